//! Numbers of payment cards, which are taken nowhere.

/// Is there a card's number in the text, alone or among other words? By the numbers that the
/// networks give out, their lengths and the check digit: other long numbers are no cards.
pub(crate) fn holds_card_number(text: &str) -> bool {
    let mut runs = Vec::new();
    let mut run = String::new();
    let mut last = ' ';
    for letter in text.chars() {
        let is_joint = matches!(letter, ' ' | '-') && last.is_ascii_digit();
        if letter.is_ascii_digit() {
            // What begins behind a letter is part of some other name.
            if run.is_empty() && (last.is_alphanumeric() || last == '_') {
                last = 'x';
                continue;
            }
            run.push(letter);
        } else if !is_joint {
            if letter.is_alphanumeric() || letter == '_' {
                run.clear();
            }
            runs.push(std::mem::take(&mut run));
        }
        last = letter;
    }
    runs.push(run);
    runs.iter().any(|run| is_card_number(run))
}

/// Might the whole text be a card's number, of whatever network? Thirteen to nineteen digits with a
/// right check digit: for fields in which nothing else has that form.
pub(crate) fn may_be_card_number(text: &str) -> bool {
    let is_all = text.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == '-');
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    is_all && (13..=19).contains(&digits.len()) && has_check_digit(&digits)
}

fn is_card_number(digits: &str) -> bool {
    let starts = |length: usize| digits.get(..length).and_then(|start| start.parse::<u32>().ok());
    let (Some(two), Some(three), Some(four)) = (starts(2), starts(3), starts(4)) else {
        return false;
    };
    let is_given_out = match digits.len() {
        14 => (300..=305).contains(&three) || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37),
        16 => {
            (40..=49).contains(&two)
                || (51..=55).contains(&two)
                || (2221..=2720).contains(&four)
                || four == 6011
                || (644..=659).contains(&three)
                || (3528..=3589).contains(&four)
                || two == 62
        }
        19 => (40..=49).contains(&two) || two == 62,
        _ => false,
    };
    is_given_out && has_check_digit(digits)
}

/// The check digit of ISO/IEC 7812.
fn has_check_digit(digits: &str) -> bool {
    let digits = digits.chars().rev().filter_map(|digit| digit.to_digit(10));
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| match place % 2 {
            0 => digit,
            _ if digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_known_by_their_check() {
        assert!(may_be_card_number("4111 1111 1111 1111"));
        assert!(may_be_card_number("4222222222222"), "thirteen digits");
        assert!(
            may_be_card_number("6304000000000000"),
            "of no network that is known here"
        );
        assert!(!may_be_card_number("4111 1111 1111 1112"));
        assert!(!may_be_card_number("ch_3NxA4111111111111111"));
        assert!(!may_be_card_number("20260506"));
    }

    #[test]
    fn card_numbers_are_known_by_network_length_and_check() {
        for text in [
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "card 4111111111111111, exp 12/29",
            "(5500005555555559)",
            "378282246310005",
            "2223003122003222",
            "6011111111111117",
            "30569309025904",
        ] {
            assert!(holds_card_number(text), "{text}");
        }
        for text in [
            "4111 1111 1111 1112",
            "ch_3NxA4111111111111111",
            "4111111111111111abc",
            "20260506",
            "1732652345123",
            "9781234567897",
            "order 4 of 12",
            "00000000000000000000",
            "",
            "\u{1f44b}\u{1f3fd} 4",
        ] {
            assert!(!holds_card_number(text), "{text}");
        }
    }
}
