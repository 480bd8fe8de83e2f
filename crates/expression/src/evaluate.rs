//! From a tree and a row to a value, within a fixed amount of work.

use std::cmp::Ordering;

use values::{Date, date_from_days, days_from_date};

use crate::error::EvaluateError;
use crate::node::{Function, Node, Operator, Ty, What};
use crate::number::Number;
use crate::types::READ_SCALE;
use crate::value::Value;

/// The most work for one row: one for each part, and one for each 64 bytes of text handled.
pub const MAX_COST: usize = 10_000;
/// The longest text that an expression or a step makes, in bytes.
pub const MAX_PRODUCED_BYTES: usize = 65_536;

const BYTES_FOR_ONE: usize = 64;

pub(crate) fn evaluate(root: &Node, row: &dyn Fn(&str) -> Value) -> Result<Value, EvaluateError> {
    let mut evaluation = Evaluation { row, cost: 0 };
    Ok(match evaluation.node(root)? {
        Held::Text(text) => Value::Text(text),
        Held::Number(number) => Value::Decimal(number.narrow()?),
        Held::Date(date) => Value::Date(date),
        Held::Bool(truth) => Value::Bool(truth),
    })
}

/// A value on its way: like [`Value`], with room for large intermediate numbers.
#[derive(Debug)]
enum Held {
    Text(String),
    Number(Number),
    Date(Option<Date>),
    Bool(bool),
}

struct Evaluation<'a> {
    row: &'a dyn Fn(&str) -> Value,
    cost: usize,
}

impl Evaluation<'_> {
    fn spend(&mut self, cost: usize) -> Result<(), EvaluateError> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > MAX_COST {
            return Err(EvaluateError::TooCostly);
        }
        Ok(())
    }

    fn handle(&mut self, text: &str) -> Result<(), EvaluateError> {
        self.spend(text.len() / BYTES_FOR_ONE)
    }

    fn node(&mut self, node: &Node) -> Result<Held, EvaluateError> {
        self.spend(1)?;
        Ok(match &node.what {
            What::Text(text) => Held::Text(text.clone()),
            What::Number(number) => Held::Number(*number),
            What::Date(date) => Held::Date(Some(*date)),
            What::Bool(truth) => Held::Bool(*truth),
            What::Column(name) => self.column(name, node.ty)?,
            What::Negate(operand) => Held::Number(self.number(operand)?.negate()?),
            What::Not(operand) => Held::Bool(!self.truth(operand)?),
            What::Binary(..) => self.chain(node)?,
            What::In(nodes) => Held::Bool(self.is_in(nodes)?),
            What::Call(function, arguments) => self.call(*function, arguments, node.ty)?,
        })
    }

    fn column(&self, name: &str, ty: Ty) -> Result<Held, EvaluateError> {
        match ((self.row)(name), ty) {
            (Value::Text(text), Ty::Text) => Ok(Held::Text(text)),
            (Value::Decimal(decimal), Ty::Decimal(scale)) => {
                Number::from_decimal(decimal).rescale(scale).map(Held::Number)
            }
            (Value::Date(date), Ty::Date) => Ok(Held::Date(date)),
            (Value::Text(_) | Value::Decimal(_) | Value::Date(_) | Value::Bool(_), _) => {
                Err(EvaluateError::OtherType {
                    column: name.to_owned(),
                })
            }
        }
    }

    // The types were checked when the expression was compiled: in the four below, what is not of
    // the type asked for cannot come.

    fn text(&mut self, node: &Node) -> Result<String, EvaluateError> {
        Ok(match self.node(node)? {
            Held::Text(text) => text,
            Held::Number(_) | Held::Date(_) | Held::Bool(_) => String::new(),
        })
    }

    fn number(&mut self, node: &Node) -> Result<Number, EvaluateError> {
        Ok(match self.node(node)? {
            Held::Number(number) => number,
            Held::Text(_) | Held::Date(_) | Held::Bool(_) => Number::whole(0),
        })
    }

    fn date(&mut self, node: &Node) -> Result<Option<Date>, EvaluateError> {
        Ok(match self.node(node)? {
            Held::Date(date) => date,
            Held::Text(_) | Held::Number(_) | Held::Bool(_) => None,
        })
    }

    fn truth(&mut self, node: &Node) -> Result<bool, EvaluateError> {
        Ok(match self.node(node)? {
            Held::Bool(truth) => truth,
            Held::Text(_) | Held::Number(_) | Held::Date(_) => false,
        })
    }

    /// `a + b + c …` leans to the left, as deep as it is long: walked down without recursion.
    fn chain(&mut self, node: &Node) -> Result<Held, EvaluateError> {
        let mut pending = Vec::new();
        let mut first = node;
        while let What::Binary(operator, operands) = &first.what {
            let (left, right) = &**operands;
            pending.push((*operator, right));
            first = left;
        }
        self.spend(pending.len())?;
        let mut held = self.node(first)?;
        while let Some((operator, right)) = pending.pop() {
            held = self.binary(operator, held, right)?;
        }
        Ok(held)
    }

    fn binary(&mut self, operator: Operator, left: Held, right: &Node) -> Result<Held, EvaluateError> {
        match (operator, &left) {
            (Operator::Or, Held::Bool(true)) | (Operator::And, Held::Bool(false)) => return Ok(left),
            _ => {}
        }
        let right = self.node(right)?;
        Ok(match (operator, left, right) {
            (Operator::Or | Operator::And, _, right) => right,
            (Operator::Join, Held::Text(mut text), Held::Text(more)) => {
                produced(text.len().saturating_add(more.len()))?;
                text.push_str(&more);
                self.handle(&text)?;
                Held::Text(text)
            }
            (Operator::Add, Held::Number(a), Held::Number(b)) => Held::Number(a.add(b)?),
            (Operator::Subtract, Held::Number(a), Held::Number(b)) => Held::Number(a.subtract(b)?),
            (Operator::Multiply, Held::Number(a), Held::Number(b)) => Held::Number(a.multiply(b)?),
            (Operator::Divide, Held::Number(a), Held::Number(b)) => Held::Number(a.divide(b)?),
            // Calculations and joins of other types were refused when the expression was compiled.
            (operator, left, right) => Held::Bool(self.compare(operator, &left, &right)?),
        })
    }

    fn compare(&mut self, operator: Operator, left: &Held, right: &Held) -> Result<bool, EvaluateError> {
        let order = match (left, right) {
            (Held::Text(a), Held::Text(b)) => {
                self.handle(a)?;
                Some(a.cmp(b))
            }
            (Held::Number(a), Held::Number(b)) => Some(a.compare(*b)?),
            (Held::Date(Some(a)), Held::Date(Some(b))) => Some(a.cmp(b)),
            (Held::Bool(a), Held::Bool(b)) => Some(a.cmp(b)),
            (Held::Date(None), Held::Date(None)) => {
                return Ok(operator == Operator::Equal);
            }
            // No date is neither before nor after a date.
            (Held::Text(_) | Held::Number(_) | Held::Date(_) | Held::Bool(_), _) => None,
        };
        Ok(match operator {
            Operator::Equal => order == Some(Ordering::Equal),
            Operator::NotEqual => order != Some(Ordering::Equal),
            Operator::Less => order == Some(Ordering::Less),
            Operator::LessOrEqual => order.is_some_and(Ordering::is_le),
            Operator::Greater => order == Some(Ordering::Greater),
            Operator::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
            Operator::Or
            | Operator::And
            | Operator::Join
            | Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide => false,
        })
    }

    fn is_in(&mut self, nodes: &[Node]) -> Result<bool, EvaluateError> {
        let Some((subject, items)) = nodes.split_first() else {
            return Ok(false);
        };
        let subject = self.node(subject)?;
        for item in items {
            let item = self.node(item)?;
            if self.compare(Operator::Equal, &subject, &item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn call(&mut self, function: Function, arguments: &[Node], ty: Ty) -> Result<Held, EvaluateError> {
        match (function, arguments) {
            (Function::If, [condition, yes, no]) => {
                let chosen = if self.truth(condition)? { yes } else { no };
                let held = self.node(chosen)?;
                at_scale(held, ty)
            }
            (Function::Coalesce, arguments) => self.first_of(arguments, ty),
            (Function::Min | Function::Max, arguments) => self.extreme(function, arguments, ty),
            (Function::IsBlank, [value]) => Ok(Held::Bool(is_blank(&self.node(value)?))),
            (Function::Text, [value]) => Ok(Held::Text(match self.node(value)? {
                Held::Number(number) => number.to_string(),
                Held::Date(Some(date)) => date.to_string(),
                Held::Date(None) => String::new(),
                Held::Text(text) => text,
                Held::Bool(truth) => truth.to_string(),
            })),
            (Function::Round, [value]) => Ok(Held::Number(self.number(value)?.rescale(ty.scale())?)),
            (Function::Abs, [value]) => Ok(Held::Number(self.number(value)?.abs()?)),
            (Function::Number, [text]) => {
                let text = self.text(text)?;
                self.handle(&text)?;
                Ok(Held::Number(read_number(&text)?.rescale(READ_SCALE)?))
            }
            (
                Function::Year | Function::Month | Function::Day | Function::DaysBetween | Function::AddDays,
                arguments,
            ) => self.dated(function, arguments),
            (_, arguments) => self.written(function, arguments),
        }
    }

    fn first_of(&mut self, arguments: &[Node], ty: Ty) -> Result<Held, EvaluateError> {
        let mut last = blank(ty);
        for argument in arguments {
            last = self.node(argument)?;
            if !is_blank(&last) {
                break;
            }
        }
        at_scale(last, ty)
    }

    fn extreme(&mut self, function: Function, arguments: &[Node], ty: Ty) -> Result<Held, EvaluateError> {
        let wanted = if function == Function::Min {
            Ordering::Less
        } else {
            Ordering::Greater
        };
        let mut chosen: Option<Number> = None;
        for argument in arguments {
            let number = self.number(argument)?;
            let better = match chosen {
                Some(chosen) => number.compare(chosen)? == wanted,
                None => true,
            };
            if better {
                chosen = Some(number);
            }
        }
        at_scale(Held::Number(chosen.unwrap_or(Number::whole(0))), ty)
    }

    fn dated(&mut self, function: Function, arguments: &[Node]) -> Result<Held, EvaluateError> {
        Ok(match (function, arguments) {
            (Function::DaysBetween, [from, to]) => {
                let days = match (self.date(from)?, self.date(to)?) {
                    (Some(from), Some(to)) => i64::from(days_from_date(to)) - i64::from(days_from_date(from)),
                    (Some(_) | None, _) => 0,
                };
                Held::Number(Number::whole(days))
            }
            (Function::AddDays, [date, days]) => {
                let (date, days) = (self.date(date)?, self.number(days)?.truncated());
                Held::Date(match date {
                    Some(date) => Some(later(date, days).ok_or(EvaluateError::DateOutOfRange)?),
                    None => None,
                })
            }
            (Function::Year, [date]) => part(self.date(date)?, |date| date.year()),
            (Function::Month, [date]) => part(self.date(date)?, |date| date.month().into()),
            (Function::Day, [date]) => part(self.date(date)?, |date| date.day().into()),
            _ => Held::Number(Number::whole(0)),
        })
    }

    fn written(&mut self, function: Function, arguments: &[Node]) -> Result<Held, EvaluateError> {
        let Some((first, others)) = arguments.split_first() else {
            return Ok(Held::Text(String::new()));
        };
        let text = self.text(first)?;
        let made = match (function, others) {
            (Function::Trim, []) => text.trim().to_owned(),
            (Function::Upper, []) => upper(&text)?,
            (Function::Lower, []) => lower(&text)?,
            (Function::Left, [length]) => first_characters(&text, count(self.number(length)?)).to_owned(),
            (Function::Right, [length]) => {
                let skipped = text.chars().count().saturating_sub(count(self.number(length)?));
                after_characters(&text, skipped).to_owned()
            }
            (Function::Mid, [start, length]) => {
                let skipped = count(self.number(start)?).saturating_sub(1);
                let length = count(self.number(length)?);
                first_characters(after_characters(&text, skipped), length).to_owned()
            }
            (Function::Length, []) => {
                self.handle(&text)?;
                let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
                return Ok(Held::Number(Number::whole(length)));
            }
            (Function::Replace, [from, to]) => {
                let (from, to) = (self.text(from)?, self.text(to)?);
                self.handle(&text)?;
                replaced(&text, &from, &to)?
            }
            _ => text,
        };
        self.handle(&made)?;
        Ok(Held::Text(made))
    }
}

fn blank(ty: Ty) -> Held {
    match ty {
        Ty::Text => Held::Text(String::new()),
        Ty::Decimal(scale) => Held::Number(Number::new(0, scale)),
        Ty::Date => Held::Date(None),
        Ty::Bool => Held::Bool(false),
    }
}

fn is_blank(held: &Held) -> bool {
    match held {
        Held::Text(text) => text.trim().is_empty(),
        Held::Number(number) => number.is_zero(),
        Held::Date(date) => date.is_none(),
        Held::Bool(_) => false,
    }
}

fn at_scale(held: Held, ty: Ty) -> Result<Held, EvaluateError> {
    match held {
        Held::Number(number) => number.rescale(ty.scale()).map(Held::Number),
        Held::Text(_) | Held::Date(_) | Held::Bool(_) => Ok(held),
    }
}

/// A part of a date; of no date, zero.
fn part(date: Option<Date>, part: impl Fn(Date) -> i16) -> Held {
    Held::Number(Number::whole(date.map_or(0, part)))
}

fn later(date: Date, days: i128) -> Option<Date> {
    let days = i32::try_from(days).ok()?;
    date_from_days(days_from_date(date).checked_add(days)?)
}

fn count(number: Number) -> usize {
    usize::try_from(number.truncated().max(0)).unwrap_or(usize::MAX)
}

pub(crate) fn first_characters(text: &str, count: usize) -> &str {
    let end = text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

fn after_characters(text: &str, count: usize) -> &str {
    let start = text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    text.get(start..).unwrap_or("")
}

/// Is a text of this many bytes within the bound?
pub(crate) fn produced(bytes: usize) -> Result<(), EvaluateError> {
    if bytes > MAX_PRODUCED_BYTES {
        return Err(EvaluateError::TextTooLong);
    }
    Ok(())
}

pub(crate) fn upper(text: &str) -> Result<String, EvaluateError> {
    produced(text.len())?;
    let text = text.to_uppercase();
    produced(text.len())?;
    Ok(text)
}

pub(crate) fn lower(text: &str) -> Result<String, EvaluateError> {
    produced(text.len())?;
    let text = text.to_lowercase();
    produced(text.len())?;
    Ok(text)
}

/// Looks at the length before it makes the text. An empty `from` occurs nowhere.
pub(crate) fn replaced(text: &str, from: &str, to: &str) -> Result<String, EvaluateError> {
    if from.is_empty() {
        return Ok(text.to_owned());
    }
    let times = text.matches(from).count();
    produced((text.len() - times * from.len()).saturating_add(times.saturating_mul(to.len())))?;
    Ok(text.replace(from, to))
}

/// A number as people and drivers write it: a sign before or after, blank is zero, no exponent
/// and no thousands; more than twelve decimals are none.
pub(crate) fn read_number(text: &str) -> Result<Number, EvaluateError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Number::whole(0));
    }
    let (negative, digits) = match (text.strip_prefix('-'), text.strip_suffix('-')) {
        (Some(rest), _) | (None, Some(rest)) => (true, rest),
        (None, None) => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let number = Number::parse(digits).ok_or(EvaluateError::NotANumber)?;
    if negative { number.negate() } else { Ok(number) }
}
