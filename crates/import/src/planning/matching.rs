//! Is it the same customer, the same address? Texts are compared as people mean them: without
//! case, accents, punctuation, legal forms and the many ways to shorten a street.

use std::collections::BTreeSet;

use model::{Address, CustomerProfile};

use super::{CustomerFacts, ShipToFacts};

/// Legal forms at the end of a name.
const FORMS: [&str; 16] = [
    "INC",
    "INCORPORATED",
    "LLC",
    "LLP",
    "LP",
    "LTD",
    "LIMITED",
    "CORP",
    "CORPORATION",
    "CO",
    "COMPANY",
    "PLC",
    "PLLC",
    "PC",
    "GMBH",
    "AND",
];

/// Words of an address and how the post shortens them.
const STREETS: [(&str, &str); 41] = [
    ("STREET", "ST"),
    ("STR", "ST"),
    ("AVENUE", "AVE"),
    ("AV", "AVE"),
    ("ROAD", "RD"),
    ("BOULEVARD", "BLVD"),
    ("DRIVE", "DR"),
    ("LANE", "LN"),
    ("COURT", "CT"),
    ("PLACE", "PL"),
    ("SQUARE", "SQ"),
    ("TERRACE", "TER"),
    ("CIRCLE", "CIR"),
    ("HIGHWAY", "HWY"),
    ("PARKWAY", "PKWY"),
    ("EXPRESSWAY", "EXPY"),
    ("TURNPIKE", "TPKE"),
    ("TRAIL", "TRL"),
    ("SUITE", "STE"),
    ("APARTMENT", "APT"),
    ("BUILDING", "BLDG"),
    ("FLOOR", "FL"),
    ("ROOM", "RM"),
    ("DEPARTMENT", "DEPT"),
    ("SAINT", "ST"),
    ("MOUNT", "MT"),
    ("FORT", "FT"),
    ("NORTH", "N"),
    ("SOUTH", "S"),
    ("EAST", "E"),
    ("WEST", "W"),
    ("NORTHEAST", "NE"),
    ("NORTHWEST", "NW"),
    ("SOUTHEAST", "SE"),
    ("SOUTHWEST", "SW"),
    ("FIRST", "1ST"),
    ("SECOND", "2ND"),
    ("THIRD", "3RD"),
    ("FOURTH", "4TH"),
    ("FIFTH", "5TH"),
    ("CENTER", "CTR"),
];

/// What speaks for two customers being the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signs {
    tax_id: bool,
    email: bool,
    name: bool,
    address: bool,
    /// Nothing but the name is known of the new one.
    name_only: bool,
}

impl Signs {
    /// Sure enough to take the customer without asking.
    pub(super) const fn is_strong(self) -> bool {
        self.tax_id || (self.email && self.name)
    }

    /// Enough to ask a person.
    pub(super) const fn is_any(self) -> bool {
        self.tax_id || self.email || (self.name && (self.address || self.name_only))
    }

    /// For people.
    pub(super) fn words(self) -> String {
        let mut words = Vec::new();
        for (is, word) in [
            (self.tax_id, "tax id"),
            (self.email, "e-mail"),
            (self.name, "name"),
            (self.address, "address"),
        ] {
            if is {
                words.push(word);
            }
        }
        format!("same {}", words.join(" and "))
    }
}

/// A new customer's texts in the form in which they are compared.
#[derive(Debug)]
pub(super) struct Sought {
    tax_id: Option<String>,
    emails: BTreeSet<String>,
    name: String,
    streets: Vec<String>,
    zip: String,
    city: String,
}

impl Sought {
    pub(super) fn of(profile: &CustomerProfile) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            tax_id: tax_id(&text(&profile.tax_exempt_no)),
            emails: emails(&text(&profile.email_address)),
            name: company(&profile.customer_name),
            streets: streets(
                &text(&profile.address_line1),
                &text(&profile.address_line2),
                &text(&profile.address_line3),
            ),
            zip: zip(&text(&profile.zip_code)),
            city: street(&text(&profile.city)),
        }
    }

    /// What speaks for this customer of Sage's.
    pub(super) fn signs(&self, facts: &CustomerFacts) -> Signs {
        let found_streets = streets(
            facts.text("address_line1"),
            facts.text("address_line2"),
            facts.text("address_line3"),
        );
        let found_zip = zip(facts.text("zip_code"));
        let found_city = street(facts.text("city"));
        let is_place = if self.zip.is_empty() || found_zip.is_empty() {
            !self.city.is_empty() && self.city == found_city
        } else {
            self.zip == found_zip
        };
        let is_street = if self.streets.is_empty() {
            true
        } else {
            self.streets
                .iter()
                .any(|mine| found_streets.iter().any(|theirs| theirs == mine))
        };
        let has_place = !(self.zip.is_empty() && self.city.is_empty());
        Signs {
            tax_id: self.tax_id.is_some() && self.tax_id == tax_id(facts.text("tax_exempt_no")),
            email: !self.emails.is_disjoint(&emails(facts.text("email_address"))),
            name: !self.name.is_empty() && self.name == company(facts.text("customer_name")),
            address: is_place && is_street,
            name_only: self.tax_id.is_none()
                && self.emails.is_empty()
                && self.streets.is_empty()
                && !has_place,
        }
    }
}

/// Is the address of an order that of the record?
pub(super) fn is_same_address(address: &Address, record: &ShipToFacts) -> bool {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let is_same_or_open = |mine: &str, theirs: &str| mine.is_empty() || theirs.is_empty() || mine == theirs;
    let name = company(&text(&address.name));
    let mine = street(&joined(&[
        &text(&address.address1),
        &text(&address.address2),
        &text(&address.address3),
    ]));
    let theirs = street(&joined(&[
        record.text("ship_to_address1"),
        record.text("ship_to_address2"),
        record.text("ship_to_address3"),
    ]));
    let (my_zip, zip_there) = (
        zip(&text(&address.zip_code)),
        zip(record.text("ship_to_zip_code")),
    );
    let (city, city_there) = (street(&text(&address.city)), street(record.text("ship_to_city")));
    let (state, state_there) = (words(&text(&address.state)), words(record.text("ship_to_state")));
    let is_place = if my_zip.is_empty() || zip_there.is_empty() {
        city == city_there && state == state_there
    } else {
        my_zip == zip_there && is_same_or_open(&city, &city_there)
    };
    !mine.is_empty()
        && mine == theirs
        && is_place
        && is_same_or_open(&state, &state_there)
        && is_same_or_open(&name, &company(record.text("ship_to_name")))
        && is_same_or_open(
            &country(&text(&address.country_code)),
            &country(record.text("ship_to_country_code")),
        )
}

/// Upper case without accents and punctuation, one blank between words.
fn words(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_uppercase) {
        match c {
            '.' | '\'' | '’' | '`' => {}
            '&' => plain.push_str(" AND "),
            c => match folded(c) {
                Some(letters) => plain.push_str(letters),
                None if c.is_alphanumeric() => plain.push(c),
                None => plain.push(' '),
            },
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A Latin letter without its accent.
const fn folded(c: char) -> Option<&'static str> {
    Some(match c {
        'À' | 'Á' | 'Â' | 'Ã' | 'Å' => "A",
        'Ä' | 'Æ' => "AE",
        'Ç' => "C",
        'È' | 'É' | 'Ê' | 'Ë' => "E",
        'Ì' | 'Í' | 'Î' | 'Ï' => "I",
        'Ñ' => "N",
        'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ø' => "O",
        'Ö' | 'Œ' => "OE",
        'Ù' | 'Ú' | 'Û' => "U",
        'Ü' => "UE",
        'Ý' | 'Ÿ' => "Y",
        'Š' => "S",
        'Ž' => "Z",
        _ => return None,
    })
}

/// A name without legal forms at its end and `the` before it.
fn company(name: &str) -> String {
    let plain = words(name);
    let mut parts: Vec<&str> = plain.split(' ').collect();
    while parts.len() > 1 && parts.last().is_some_and(|last| FORMS.contains(last)) {
        parts.pop();
    }
    if parts.len() > 1 && parts.first() == Some(&"THE") {
        parts.remove(0);
    }
    parts.join(" ")
}

/// Lines of an address with the post's abbreviations.
fn street(lines: &str) -> String {
    let plain = format!(" {} ", words(&lines.replace('#', " STE ")));
    let plain = plain
        .replace(" POST OFFICE BOX ", " PO BOX ")
        .replace(" P O BOX ", " PO BOX ")
        .replace(" STE STE ", " STE ");
    let short = |word| {
        STREETS
            .iter()
            .find(|(long, _)| *long == word)
            .map_or(word, |(_, short)| *short)
    };
    let parts: Vec<&str> = plain.split_whitespace().map(short).collect();
    // `SUITE # 5` is one suite.
    parts.join(" ").replace("STE STE ", "STE ")
}

/// The first line with an address in it, and all lines together: people split them
/// differently.
fn streets(first: &str, second: &str, third: &str) -> Vec<String> {
    let all = street(&joined(&[first, second, third]));
    let mut streets: Vec<String> = [street(first), street(second), all]
        .into_iter()
        .filter(|line| line.chars().any(char::is_numeric) && line.contains(' '))
        .collect();
    streets.dedup();
    streets
}

fn joined(lines: &[&str]) -> String {
    lines.join(" ")
}

/// Letters and digits; none for what people write where they have no number.
fn tax_id(text: &str) -> Option<String> {
    let id: String = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let digits: BTreeSet<char> = id.chars().filter(char::is_ascii_digit).collect();
    let count = id.chars().filter(char::is_ascii_digit).count();
    (count >= 5 && digits.len() > 1).then_some(id)
}

/// Sage's column may hold several.
fn emails(text: &str) -> BTreeSet<String> {
    text.split([';', ',', ' '])
        .map(|mail| mail.trim().to_lowercase())
        .filter(|mail| mail.contains('@'))
        .collect()
}

/// The five digits of an American code; others without blanks.
fn zip(text: &str) -> String {
    let plain: String = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    if plain.len() == 9 && plain.bytes().all(|b| b.is_ascii_digit()) {
        return plain.chars().take(5).collect();
    }
    plain
}

fn country(text: &str) -> String {
    let plain = words(text);
    match plain.as_str() {
        "US" | "UNITED STATES" => String::from("USA"),
        "CA" => String::from("CAN"),
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_their_legal_form() {
        for (one, other) in [
            ("Harbor Supply, Inc.", "HARBOR SUPPLY"),
            ("The Harbor Supply Company", "Harbor Supply Co., L.L.C."),
            ("Smith & Sons", "SMITH AND SONS CORP"),
            ("O'Neil Café", "ONEIL CAFE LTD"),
            ("Baker & Co.", "Baker Company"),
        ] {
            assert_eq!(company(one), company(other));
        }
        assert_ne!(company("Harbor Supply East"), company("Harbor Supply West"));
        assert_eq!(company("The Company"), "THE");
        assert_ne!(company("Co"), "");
    }

    #[test]
    fn streets_are_compared_as_the_post_shortens_them() {
        for (one, other) in [
            ("2131 N. 14th Street, Suite 100", "2131 North 14th St Ste 100"),
            ("P.O. Box 12", "PO BOX 12"),
            ("Post Office Box 12", "P O Box 12"),
            ("5 Fifth Avenue #4", "5 5TH AVE STE 4"),
            ("5 Fifth Avenue Suite #4", "5 5TH AVE, STE 4"),
        ] {
            assert_eq!(street(one), street(other));
        }
        assert_ne!(street("12 Main St"), street("21 Main St"));
    }

    #[test]
    fn no_number_is_no_tax_id() {
        for none in ["", "N/A", "none", "00-0000000", "EXEMPT", "111111111"] {
            assert_eq!(tax_id(none), None, "{none}");
        }
        assert_eq!(tax_id("39-1234567").as_deref(), Some("391234567"));
        assert_eq!(zip("53205-1204"), zip("53205"));
        assert_eq!(emails("a@x.example; B@X.example").len(), 2);
    }
}
