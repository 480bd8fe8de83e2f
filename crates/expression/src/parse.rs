//! Tokens into a typed tree, in one pass and within the bounds.

use std::collections::BTreeMap;

use values::{Kind, parse_date};

use crate::compile::{MAX_NESTING, MAX_NODES, MAX_TEXT_BYTES};
use crate::error::CompileError;
use crate::lex::{Placed, Token, shortened, tokens};
use crate::node::{COMPARISON, Function, NOT, Node, Operator, Ty, What};
use crate::types::Typing;

/// A tree, and the columns that it names: sorted, each once, spelled as `columns` spells them.
pub(crate) fn parse(
    text: &str,
    columns: &dyn Fn(&str) -> Option<(String, Kind)>,
) -> Result<(Node, Vec<String>), CompileError> {
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("the expression is longer than {MAX_TEXT_BYTES} bytes");
        return Err(CompileError::new(
            text,
            0,
            message,
            "split it over two fields, or use a map step for long lists",
        ));
    }
    let mut parser = Parser {
        text,
        tokens: tokens(text)?,
        next: 0,
        nodes: 0,
        nesting: 0,
        typing: Typing { text },
        known: BTreeMap::new(),
        columns,
    };
    let root = parser.expression(0)?;
    if parser.peek().token != Token::End {
        return Err(parser.unexpected("an operator such as + or and"));
    }
    let mut names: Vec<String> = parser.known.into_values().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    Ok((root, names))
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Placed>,
    next: usize,
    nodes: usize,
    nesting: usize,
    typing: Typing<'a>,
    /// By the name in lower case: one spelling for each column.
    known: BTreeMap<String, (String, Ty)>,
    columns: &'a dyn Fn(&str) -> Option<(String, Kind)>,
}

const UNARY: u8 = 8;

impl Parser<'_> {
    fn peek(&self) -> Placed {
        self.ahead(0)
    }

    fn ahead(&self, by: usize) -> Placed {
        self.tokens.get(self.next + by).cloned().unwrap_or(Placed {
            token: Token::End,
            at: self.text.len(),
            end: self.text.len(),
        })
    }

    fn take(&mut self) -> Placed {
        let placed = self.peek();
        self.next += 1;
        placed
    }

    fn error(&self, at: usize, message: impl Into<String>, remedy: impl Into<String>) -> CompileError {
        CompileError::new(self.text, at, message, remedy)
    }

    fn unexpected(&self, wanted: &str) -> CompileError {
        let Placed { token, at, end } = self.peek();
        let message = if token == Token::End {
            "the expression ends too early".to_owned()
        } else {
            let piece = shortened(self.text.get(at..end).unwrap_or(""));
            format!("{piece} is not expected here")
        };
        self.error(at, message, format!("write {wanted}"))
    }

    fn expect(&mut self, token: &Token, wanted: &str) -> Result<Placed, CompileError> {
        if self.peek().token == *token {
            Ok(self.take())
        } else {
            Err(self.unexpected(wanted))
        }
    }

    fn count(&mut self, node: Node) -> Result<Node, CompileError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = format!("the expression has more than {MAX_NODES} parts");
            return Err(self.error(
                node.at,
                message,
                "split it over two fields, or use a map step for long lists",
            ));
        }
        Ok(node)
    }

    /// Refuses to go deeper before it goes deeper: the bound is also that of the stack.
    fn deeper(
        &mut self,
        at: usize,
        inside: impl FnOnce(&mut Self) -> Result<Node, CompileError>,
    ) -> Result<Node, CompileError> {
        if self.nesting == MAX_NESTING {
            let message = format!("more than {MAX_NESTING} levels stand in each other");
            return Err(self.error(at, message, "leave out parentheses, or split it over two fields"));
        }
        self.nesting += 1;
        let node = inside(self);
        self.nesting -= 1;
        node
    }

    /// Everything that binds at least as tight as `floor`. What waits for its right side waits in
    /// a list and not on the stack, so that only nesting makes the stack grow.
    fn expression(&mut self, floor: u8) -> Result<Node, CompileError> {
        let mut waiting: Vec<(Node, Operator)> = Vec::new();
        loop {
            let after = waiting
                .last()
                .map_or(floor, |(_, operator)| operator.precedence() + 1);
            let mut node = self.prefix(after)?;
            let mut compared = false;
            loop {
                let precedence = self.infix();
                let ends = precedence == 0 || precedence < floor;
                while let Some((left, operator)) =
                    waiting.pop_if(|(_, operator)| ends || operator.precedence() >= precedence)
                {
                    compared = operator.precedence() == COMPARISON;
                    let joined = self.typing.binary(operator, left, node)?;
                    node = self.count(joined)?;
                }
                if ends {
                    return Ok(node);
                }
                let placed = self.take();
                if precedence == COMPARISON && compared {
                    return Err(self.error(
                        placed.at,
                        "a comparison of a comparison",
                        "compare two things at a time, as in a < b and b < c",
                    ));
                }
                if let Token::Operator(operator) = placed.token {
                    waiting.push((node, operator));
                    break;
                }
                node = self.sought(node, placed.token == Token::Not)?;
                compared = true;
            }
        }
    }

    /// How tight the next token joins what stands before it; 0 when it does not.
    fn infix(&self) -> u8 {
        match (self.peek().token, self.ahead(1).token) {
            (Token::Operator(operator), _) => operator.precedence(),
            (Token::In, _) | (Token::Not, Token::In) => COMPARISON,
            _ => 0,
        }
    }

    /// The list behind `in`, or behind `not` and `in`.
    fn sought(&mut self, subject: Node, negated: bool) -> Result<Node, CompileError> {
        if negated {
            self.take();
        }
        let at = self.peek().at;
        let node = self.deeper(at, |parser| parser.listed(subject))?;
        if !negated {
            return Ok(node);
        }
        let node = self.typing.not(node.at, node)?;
        self.count(node)
    }

    fn listed(&mut self, subject: Node) -> Result<Node, CompileError> {
        self.expect(&Token::Open, "a list in parentheses, as in x in ('A', 'B')")?;
        let mut nodes = vec![subject];
        let end = self.separated(&mut nodes)?;
        let node = self.typing.in_list(nodes, end)?;
        self.count(node)
    }

    /// Expressions up to and with the closing parenthesis, whose end comes back.
    fn separated(&mut self, nodes: &mut Vec<Node>) -> Result<usize, CompileError> {
        loop {
            nodes.push(self.expression(0)?);
            let token = self.peek().token;
            if token != Token::Comma && token != Token::Close {
                return Err(self.unexpected(", or )"));
            }
            let end = self.take().end;
            if token == Token::Close {
                return Ok(end);
            }
        }
    }

    fn prefix(&mut self, floor: u8) -> Result<Node, CompileError> {
        let Placed { token, at, end } = self.peek();
        match token {
            Token::Not if floor > NOT => Err(self.error(
                at,
                "not is not expected here",
                "put it in parentheses, as in a = (not b)",
            )),
            Token::Not => {
                self.take();
                let operand = self.deeper(at, |parser| parser.expression(NOT))?;
                let node = self.typing.not(at, operand)?;
                self.count(node)
            }
            Token::Operator(Operator::Subtract) => {
                self.take();
                let operand = self.deeper(at, |parser| parser.expression(UNARY))?;
                let node = self.typing.negate(at, operand)?;
                self.count(node)
            }
            Token::Open => {
                self.take();
                let mut node = self.deeper(at, |parser| parser.expression(0))?;
                node.end = self.expect(&Token::Close, ")")?.end;
                node.at = at;
                Ok(node)
            }
            Token::Name(name) => self.named(&name, at, end),
            Token::Number(number) => self.literal(Ty::Decimal(number.scale()), What::Number(number)),
            Token::Text(content) => self.literal(Ty::Text, What::Text(content)),
            Token::True => self.literal(Ty::Bool, What::Bool(true)),
            Token::False => self.literal(Ty::Bool, What::Bool(false)),
            Token::Operator(_) | Token::In | Token::Close | Token::Comma | Token::End => {
                Err(self.unexpected("a column, a number, a 'text' or a function"))
            }
        }
    }

    fn literal(&mut self, ty: Ty, what: What) -> Result<Node, CompileError> {
        let at = self.peek().at;
        self.literal_from(at, ty, what)
    }

    /// The next token ends what began at `at`.
    fn literal_from(&mut self, at: usize, ty: Ty, what: What) -> Result<Node, CompileError> {
        let end = self.take().end;
        self.count(Node { at, end, ty, what })
    }

    fn named(&mut self, name: &str, at: usize, end: usize) -> Result<Node, CompileError> {
        self.take();
        let next = self.peek();
        if next.token == Token::Open {
            return self.call(name, at);
        }
        let (true, Token::Text(day)) = (name.eq_ignore_ascii_case("date"), &next.token) else {
            return self.column(name, at, end);
        };
        let Ok(Some(date)) = parse_date(day) else {
            let message = format!("'{}' is not a date", shortened(day));
            return Err(self.error(next.at, message, "write it as date '2026-05-01'"));
        };
        self.literal_from(at, Ty::Date, What::Date(date))
    }

    fn column(&mut self, name: &str, at: usize, end: usize) -> Result<Node, CompileError> {
        let lower = name.to_ascii_lowercase();
        let (name, ty) = match self.known.get(&lower) {
            Some(known) => known.clone(),
            None => {
                let found = self.resolve(name, at)?;
                self.known.insert(lower, found.clone());
                found
            }
        };
        let what = What::Column(name);
        self.count(Node { at, end, ty, what })
    }

    fn resolve(&self, name: &str, at: usize) -> Result<(String, Ty), CompileError> {
        let Some((spelled, kind)) = (self.columns)(name) else {
            let remedy = match (name.to_ascii_lowercase().as_str(), Function::named(name)) {
                (_, Some((_, usage))) => format!("a function is called with parentheses: {usage}"),
                ("null", None) => "ask with is_blank(x); a blank text is ''".to_owned(),
                _ => "write a column of the table as the ERP names it; a text stands in 'single quotes'"
                    .to_owned(),
            };
            let message = format!("column {} is not known here", shortened(name));
            return Err(self.error(at, message, remedy));
        };
        let Some(ty) = Ty::of_field(kind) else {
            let message = format!("column {spelled} is no single value");
            return Err(self.error(at, message, "name the site's own columns one by one"));
        };
        Ok((spelled, ty))
    }

    fn call(&mut self, name: &str, at: usize) -> Result<Node, CompileError> {
        let Some((function, usage)) = Function::named(name) else {
            let known: Vec<&str> = Function::ALL.iter().map(|(name, _, _)| *name).collect();
            let message = format!("there is no function {}", shortened(name));
            return Err(self.error(at, message, format!("the functions are {}", known.join(", "))));
        };
        self.deeper(at, |parser| {
            parser.take();
            let mut arguments = Vec::new();
            let end = if parser.peek().token == Token::Close {
                parser.take().end
            } else {
                parser.separated(&mut arguments)?
            };
            let node = parser.typing.call(function, usage, arguments, at, end)?;
            parser.count(node)
        })
    }
}
