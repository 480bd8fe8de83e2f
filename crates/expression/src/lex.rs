//! Text into signs, names and literals.

use crate::error::CompileError;
use crate::node::Operator;
use crate::number::Number;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Number(Number),
    Text(String),
    Name(String),
    Operator(Operator),
    Not,
    In,
    True,
    False,
    Open,
    Close,
    Comma,
    End,
}

/// A token and the bytes that it stands on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placed {
    pub(crate) token: Token,
    pub(crate) at: usize,
    pub(crate) end: usize,
}

/// Literals hold what an ERP's widest field holds.
const MAX_DIGITS: usize = 18;

/// The last token is always [`Token::End`].
pub(crate) fn tokens(text: &str) -> Result<Vec<Placed>, CompileError> {
    let mut placed = Vec::new();
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if next.is_whitespace() {
            at += next.len_utf8();
            continue;
        }
        let (token, length) = token(text, at, next)?;
        let end = at + length;
        placed.push(Placed { token, at, end });
        at = end;
    }
    placed.push(Placed {
        token: Token::End,
        at: text.len(),
        end: text.len(),
    });
    Ok(placed)
}

fn token(text: &str, at: usize, next: char) -> Result<(Token, usize), CompileError> {
    let rest = text.get(at..).unwrap_or("");
    match next {
        '\'' => quoted(text, at, rest),
        '0'..='9' | '.' => number(text, at, rest),
        'a'..='z' | 'A'..='Z' | '_' => {
            let name = name(rest);
            Ok((word(name), name.len()))
        }
        _ => sign(text, at, rest, next),
    }
}

fn leading(rest: &str, belongs: impl Fn(u8) -> bool) -> &str {
    let length = rest.bytes().position(|b| !belongs(b)).unwrap_or(rest.len());
    rest.get(..length).unwrap_or(rest)
}

/// A name, with the names below it: `ship_to.ship_to_state`, `udf.2nd_choice`.
fn name(rest: &str) -> &str {
    let part = |from: usize| {
        leading(rest.get(from..).unwrap_or(""), |b| {
            b.is_ascii_alphanumeric() || b == b'_'
        })
    };
    let mut length = part(0).len();
    while rest.as_bytes().get(length) == Some(&b'.') {
        let below = part(length + 1).len();
        if below == 0 {
            break;
        }
        length += 1 + below;
    }
    rest.get(..length).unwrap_or(rest)
}

fn word(name: &str) -> Token {
    match name.to_ascii_lowercase().as_str() {
        "and" => Token::Operator(Operator::And),
        "or" => Token::Operator(Operator::Or),
        "not" => Token::Not,
        "in" => Token::In,
        "true" => Token::True,
        "false" => Token::False,
        _ => Token::Name(name.to_owned()),
    }
}

fn quoted(text: &str, at: usize, rest: &str) -> Result<(Token, usize), CompileError> {
    let mut content = String::new();
    let mut length = 1;
    loop {
        let piece = rest.get(length..).unwrap_or("");
        let Some(quote) = piece.find('\'') else {
            return Err(CompileError::new(
                text,
                at,
                "this text has no end",
                "close it with ', and write a quote inside it as ''",
            ));
        };
        content.push_str(piece.get(..quote).unwrap_or(""));
        length += quote + 1;
        if rest.as_bytes().get(length) != Some(&b'\'') {
            return Ok((Token::Text(content), length));
        }
        content.push('\'');
        length += 1;
    }
}

fn number(text: &str, at: usize, rest: &str) -> Result<(Token, usize), CompileError> {
    let digits = leading(rest, |b| b.is_ascii_digit() || b == b'.');
    let after = rest.as_bytes().get(digits.len());
    if after.is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_') {
        return Err(CompileError::new(
            text,
            at,
            "a number has a letter in it",
            "write a number as 1200.50, a text in 'single quotes'; names begin with a letter",
        ));
    }
    let number =
        Number::parse(digits).filter(|_| digits.bytes().filter(u8::is_ascii_digit).count() <= MAX_DIGITS);
    let number = number.ok_or_else(|| {
        CompileError::new(
            text,
            at,
            format!("{} is not a number", shortened(digits)),
            "write up to 18 digits, one point and at most 12 decimals, as in 1200.50",
        )
    })?;
    Ok((Token::Number(number), digits.len()))
}

fn sign(text: &str, at: usize, rest: &str, next: char) -> Result<(Token, usize), CompileError> {
    let two = [
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<>", Operator::NotEqual),
        ("||", Operator::Join),
    ];
    if let Some((_, operator)) = two.iter().find(|(sign, _)| rest.starts_with(sign)) {
        return Ok((Token::Operator(*operator), 2));
    }
    let refuse = |message: String, remedy: &str| Err(CompileError::new(text, at, message, remedy));
    for (wrong, remedy) in [
        ("==", "write ="),
        ("!=", "write <>"),
        ("&&", "write and"),
        ("!", "write not"),
        ("&", "write || to join texts"),
        ("|", "write || to join texts"),
        ("\"", "write a text in 'single quotes', a column without quotes"),
        ("{", "write a date as date '2026-05-01'"),
    ] {
        if rest.starts_with(wrong) {
            return refuse(format!("{wrong} is not known here"), remedy);
        }
    }
    let token = match next {
        '=' => Token::Operator(Operator::Equal),
        '<' => Token::Operator(Operator::Less),
        '>' => Token::Operator(Operator::Greater),
        '+' => Token::Operator(Operator::Add),
        '-' => Token::Operator(Operator::Subtract),
        '*' => Token::Operator(Operator::Multiply),
        '/' => Token::Operator(Operator::Divide),
        '(' => Token::Open,
        ')' => Token::Close,
        ',' => Token::Comma,
        _ => {
            return refuse(
                format!("{next:?} is not known here"),
                "outside of 'texts' only names, numbers and + - * / || = <> < <= > >= ( ) , are known",
            );
        }
    };
    Ok((token, next.len_utf8()))
}

/// Enough of a piece of the text to recognise it in a message.
pub(crate) fn shortened(piece: &str) -> String {
    const SHOWN: usize = 40;
    if piece.chars().count() <= SHOWN {
        piece.to_owned()
    } else {
        piece.chars().take(SHOWN).chain(['…']).collect()
    }
}
