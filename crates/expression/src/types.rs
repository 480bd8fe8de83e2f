//! What goes with what: every node gets its type here, or is refused with what to write instead.

use values::MAX_SCALE;

use crate::error::CompileError;
use crate::lex::shortened;
use crate::node::{Function, Node, Operator, Ty, What};
use crate::number::QUOTIENT_SCALE;
use crate::value::Type;

/// Decimals of `number(text)`: those of the ERP's finest masks.
pub(crate) const READ_SCALE: u8 = 6;

#[derive(Clone, Copy)]
pub(crate) struct Typing<'a> {
    pub(crate) text: &'a str,
}

impl Typing<'_> {
    fn error(self, at: usize, message: impl Into<String>, remedy: impl Into<String>) -> CompileError {
        CompileError::new(self.text, at, message, remedy)
    }

    /// The node as it was written.
    fn source(self, node: &Node) -> String {
        shortened(self.text.get(node.at..node.end).unwrap_or(""))
    }

    pub(crate) fn negate(self, at: usize, operand: Node) -> Result<Node, CompileError> {
        if operand.ty.plain() != Type::Decimal {
            return Err(self.other(&operand, "- takes a number", Type::Decimal));
        }
        Ok(Node {
            at,
            end: operand.end,
            ty: operand.ty,
            what: What::Negate(Box::new(operand)),
        })
    }

    pub(crate) fn not(self, at: usize, operand: Node) -> Result<Node, CompileError> {
        if operand.ty != Ty::Bool {
            return Err(self.other(&operand, "not takes a condition", Type::Bool));
        }
        Ok(Node {
            at,
            end: operand.end,
            ty: Ty::Bool,
            what: What::Not(Box::new(operand)),
        })
    }

    pub(crate) fn binary(self, operator: Operator, left: Node, right: Node) -> Result<Node, CompileError> {
        let ty = match operator {
            Operator::Or | Operator::And => self.both(operator, &left, &right, "conditions", Type::Bool)?,
            Operator::Join => self.both(operator, &left, &right, "texts", Type::Text)?,
            Operator::Equal | Operator::NotEqual => self.comparable(&left, &right)?,
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
                self.ordered(operator, &left, &right)?
            }
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide => {
                self.calculated(operator, &left, &right)?
            }
        };
        Ok(Node {
            at: left.at,
            end: right.end,
            ty,
            what: What::Binary(operator, Box::new((left, right))),
        })
    }

    fn both(
        self,
        operator: Operator,
        left: &Node,
        right: &Node,
        things: &str,
        wanted: Type,
    ) -> Result<Ty, CompileError> {
        match [left, right].into_iter().find(|node| node.ty.plain() != wanted) {
            Some(node) => Err(self.other(node, &format!("{} takes {things}", operator.sign()), wanted)),
            None => Ok(left.ty),
        }
    }

    fn calculated(self, operator: Operator, left: &Node, right: &Node) -> Result<Ty, CompileError> {
        let (Ty::Decimal(a), Ty::Decimal(b)) = (left.ty, right.ty) else {
            return Err(self.not_calculable(operator, left, right));
        };
        Ok(Ty::Decimal(match operator {
            Operator::Multiply => a.saturating_add(b).min(MAX_SCALE),
            Operator::Divide => QUOTIENT_SCALE,
            Operator::Or
            | Operator::And
            | Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual
            | Operator::Join
            | Operator::Add
            | Operator::Subtract => a.max(b),
        }))
    }

    fn not_calculable(self, operator: Operator, left: &Node, right: &Node) -> CompileError {
        let (a, b) = (self.source(left), self.source(right));
        let remedy = match (operator, left.ty.plain(), right.ty.plain()) {
            (Operator::Add, Type::Text, Type::Text) => format!("use || to join texts: {a} || {b}"),
            (Operator::Add, Type::Date, Type::Decimal) => format!("use add_days({a}, {b})"),
            (Operator::Subtract, Type::Date, Type::Decimal) => format!("use add_days({a}, -{b})"),
            (Operator::Subtract, Type::Date, Type::Date) => format!("use days_between({b}, {a})"),
            _ => {
                let wrong = if left.ty.plain() == Type::Decimal {
                    right
                } else {
                    left
                };
                let message = format!("{} takes numbers", operator.sign());
                return self.other(wrong, &message, Type::Decimal);
            }
        };
        let message = format!("{} takes numbers, not {}", operator.sign(), left.ty.plain());
        self.error(left.at, message, remedy)
    }

    fn comparable(self, left: &Node, right: &Node) -> Result<Ty, CompileError> {
        if left.ty.plain() == right.ty.plain() {
            return Ok(Ty::Bool);
        }
        let message = format!("{} cannot be compared with {}", left.ty.plain(), right.ty.plain());
        Err(self.error(left.at, message, self.mend(left, right)))
    }

    fn ordered(self, operator: Operator, left: &Node, right: &Node) -> Result<Ty, CompileError> {
        let ty = self.comparable(left, right)?;
        if left.ty == Ty::Bool {
            let message = format!("{} does not compare conditions", operator.sign());
            return Err(self.error(left.at, message, "use = or <>, and, or, not"));
        }
        Ok(ty)
    }

    /// How two things of different types are brought together.
    fn mend(self, left: &Node, right: &Node) -> String {
        let (a, b) = (self.source(left), self.source(right));
        match (left.ty.plain(), right.ty.plain()) {
            (Type::Text, Type::Decimal) => mend_number(&left.what, &a, &right.what, &b),
            (Type::Decimal, Type::Text) => mend_number(&right.what, &b, &left.what, &a),
            (Type::Text, Type::Date) => mend_date(&left.what, &a, &b),
            (Type::Date, Type::Text) => mend_date(&right.what, &b, &a),
            (Type::Date, Type::Decimal) | (Type::Decimal, Type::Date) => {
                "write a date as date '2026-05-01', or use year(), month(), day() or days_between()"
                    .to_owned()
            }
            (Type::Bool, _) => format!("write the condition alone: {a}"),
            (_, Type::Bool) => format!("write the condition alone: {b}"),
            (Type::Text, Type::Text) | (Type::Decimal, Type::Decimal) | (Type::Date, Type::Date) => {
                String::new()
            }
        }
    }

    pub(crate) fn in_list(self, nodes: Vec<Node>, end: usize) -> Result<Node, CompileError> {
        let mut parts = nodes.iter();
        let Some(subject) = parts.next() else {
            return Err(self.error(end, "in has nothing to seek", "write x in ('A', 'B')"));
        };
        for item in parts {
            if item.ty.plain() != subject.ty.plain() {
                let message = format!("the list of {} has {}", subject.ty.plain(), item.ty.plain());
                return Err(self.error(item.at, message, self.mend(subject, item)));
            }
        }
        Ok(Node {
            at: subject.at,
            end,
            ty: Ty::Bool,
            what: What::In(nodes),
        })
    }

    pub(crate) fn call(
        self,
        function: Function,
        usage: &str,
        arguments: Vec<Node>,
        at: usize,
        end: usize,
    ) -> Result<Node, CompileError> {
        let wanted: &[Type] = match function {
            Function::If => return self.choice(usage, arguments, at, end),
            Function::Coalesce => return self.first_of(usage, arguments, at, end),
            Function::IsBlank => return self.blank(usage, arguments, at, end),
            Function::Text => return self.shown(usage, arguments, at, end),
            Function::Round => return self.rounded(usage, arguments, at, end),
            Function::Min | Function::Max => return self.extreme(function, usage, arguments, at, end),
            Function::Trim | Function::Upper | Function::Lower | Function::Length | Function::Number => {
                &[Type::Text]
            }
            Function::Left | Function::Right => &[Type::Text, Type::Decimal],
            Function::Mid => &[Type::Text, Type::Decimal, Type::Decimal],
            Function::Replace => &[Type::Text, Type::Text, Type::Text],
            Function::Abs => &[Type::Decimal],
            Function::Year | Function::Month | Function::Day => &[Type::Date],
            Function::DaysBetween => &[Type::Date, Type::Date],
            Function::AddDays => &[Type::Date, Type::Decimal],
        };
        self.counted(usage, &arguments, at, wanted.len()..=wanted.len())?;
        for (argument, wanted) in arguments.iter().zip(wanted) {
            self.argument(usage, argument, *wanted)?;
        }
        let ty = match function {
            Function::Number => Ty::Decimal(READ_SCALE),
            Function::Abs => arguments.first().map_or(Ty::Decimal(0), |argument| argument.ty),
            Function::AddDays => Ty::Date,
            Function::Length | Function::Year | Function::Month | Function::Day | Function::DaysBetween => {
                Ty::Decimal(0)
            }
            Function::Trim
            | Function::Upper
            | Function::Lower
            | Function::Left
            | Function::Right
            | Function::Mid
            | Function::Replace
            | Function::If
            | Function::Round
            | Function::Min
            | Function::Max
            | Function::Text
            | Function::IsBlank
            | Function::Coalesce => Ty::Text,
        };
        Ok(called(function, arguments, ty, at, end))
    }

    fn counted(
        self,
        usage: &str,
        arguments: &[Node],
        at: usize,
        wanted: std::ops::RangeInclusive<usize>,
    ) -> Result<(), CompileError> {
        if wanted.contains(&arguments.len()) {
            return Ok(());
        }
        let message = format!("{} values are too {} for {usage}", arguments.len(), {
            if arguments.len() < *wanted.start() {
                "few"
            } else {
                "many"
            }
        });
        Err(self.error(at, message, format!("write {usage}")))
    }

    fn argument(self, usage: &str, argument: &Node, wanted: Type) -> Result<(), CompileError> {
        if argument.ty.plain() == wanted {
            return Ok(());
        }
        Err(self.other(argument, &format!("{usage} wants {wanted}"), wanted))
    }

    /// All of one type; for numbers that of the finest.
    fn alike(self, usage: &str, nodes: &[Node]) -> Result<Ty, CompileError> {
        let Some(first) = nodes.first() else {
            return Ok(Ty::Text);
        };
        let mut ty = first.ty;
        for node in nodes {
            self.argument(usage, node, first.ty.plain())?;
            if let Ty::Decimal(scale) = node.ty {
                ty = Ty::Decimal(scale.max(ty.scale()));
            }
        }
        Ok(ty)
    }

    fn choice(self, usage: &str, arguments: Vec<Node>, at: usize, end: usize) -> Result<Node, CompileError> {
        self.counted(usage, &arguments, at, 3..=3)?;
        let mut ty = Ty::Text;
        if let Some((condition, branches)) = arguments.split_first() {
            self.argument(usage, condition, Type::Bool)?;
            ty = self.alike("b of if(condition, a, b)", branches)?;
        }
        Ok(called(Function::If, arguments, ty, at, end))
    }

    fn first_of(
        self,
        usage: &str,
        arguments: Vec<Node>,
        at: usize,
        end: usize,
    ) -> Result<Node, CompileError> {
        self.counted(usage, &arguments, at, 2..=usize::MAX)?;
        for argument in &arguments {
            self.not_bool(usage, argument)?;
        }
        let ty = self.alike("what follows in coalesce(a, b, …)", &arguments)?;
        Ok(called(Function::Coalesce, arguments, ty, at, end))
    }

    fn blank(self, usage: &str, arguments: Vec<Node>, at: usize, end: usize) -> Result<Node, CompileError> {
        self.counted(usage, &arguments, at, 1..=1)?;
        for argument in &arguments {
            self.not_bool(usage, argument)?;
        }
        Ok(called(Function::IsBlank, arguments, Ty::Bool, at, end))
    }

    fn not_bool(self, usage: &str, argument: &Node) -> Result<(), CompileError> {
        if argument.ty != Ty::Bool {
            return Ok(());
        }
        let message = format!("a condition is never blank in {usage}");
        Err(self.error(argument.at, message, "use and, or, not or if(condition, a, b)"))
    }

    fn shown(self, usage: &str, arguments: Vec<Node>, at: usize, end: usize) -> Result<Node, CompileError> {
        self.counted(usage, &arguments, at, 1..=1)?;
        for argument in &arguments {
            match argument.ty {
                Ty::Decimal(_) | Ty::Date => {}
                Ty::Text => {
                    let source = self.source(argument);
                    return Err(self.error(
                        argument.at,
                        format!("{source} is text already"),
                        format!("write {source} alone"),
                    ));
                }
                Ty::Bool => return Err(self.other(argument, "text() takes a number or a date", Type::Text)),
            }
        }
        Ok(called(Function::Text, arguments, Ty::Text, at, end))
    }

    fn rounded(
        self,
        usage: &str,
        mut arguments: Vec<Node>,
        at: usize,
        end: usize,
    ) -> Result<Node, CompileError> {
        self.counted(usage, &arguments, at, 2..=2)?;
        for argument in &arguments {
            self.argument(usage, argument, Type::Decimal)?;
        }
        let Some(places) = arguments.pop() else {
            return Err(self.error(at, "round has no places", format!("write {usage}")));
        };
        let scale = if let What::Number(number) = &places.what
            && number.scale() == 0
        {
            u8::try_from(number.truncated()).ok()
        } else {
            None
        };
        let Some(scale) = scale.filter(|scale| *scale <= MAX_SCALE) else {
            let message = format!("{} is not a number of decimals", self.source(&places));
            let remedy = format!("write a whole number from 0 to {MAX_SCALE}, as in {usage}");
            return Err(self.error(places.at, message, remedy));
        };
        Ok(called(Function::Round, arguments, Ty::Decimal(scale), at, end))
    }

    fn extreme(
        self,
        function: Function,
        usage: &str,
        arguments: Vec<Node>,
        at: usize,
        end: usize,
    ) -> Result<Node, CompileError> {
        self.counted(usage, &arguments, at, 2..=usize::MAX)?;
        for argument in &arguments {
            self.argument(usage, argument, Type::Decimal)?;
        }
        let ty = self.alike(usage, &arguments)?;
        Ok(called(function, arguments, ty, at, end))
    }

    fn other(self, node: &Node, message: &str, wanted: Type) -> CompileError {
        let source = self.source(node);
        let remedy = match (node.ty.plain(), wanted) {
            (Type::Text, Type::Decimal) => format!("use number({source})"),
            (Type::Decimal | Type::Date, Type::Text) => format!("use text({source})"),
            (Type::Bool, Type::Text) => format!("use if({source}, 'Y', 'N')"),
            (Type::Bool, Type::Decimal) => format!("use if({source}, 1, 0)"),
            (Type::Text, Type::Bool) => format!("write a comparison, as in {source} = 'Y'"),
            (Type::Decimal, Type::Bool) => format!("write a comparison, as in {source} <> 0"),
            (Type::Date, Type::Bool) => format!("write a comparison, as in not is_blank({source})"),
            (Type::Date, Type::Decimal) => format!("use year({source}), or days_between(from, to)"),
            (Type::Text | Type::Decimal | Type::Bool, Type::Date) => {
                "write a date column, or date '2026-05-01'".to_owned()
            }
            (Type::Text, Type::Text)
            | (Type::Decimal, Type::Decimal)
            | (Type::Date, Type::Date)
            | (Type::Bool, Type::Bool) => String::new(),
        };
        self.error(
            node.at,
            format!("{message}, {source} is {}", node.ty.plain()),
            remedy,
        )
    }
}

fn mend_number(text: &What, text_source: &str, number: &What, number_source: &str) -> String {
    match (text, number) {
        (What::Text(content), _) if crate::number::Number::parse(content).is_some() => {
            format!("compare with {content}, or use text({number_source})")
        }
        (_, What::Number(_)) => format!("compare with '{number_source}' or use number({text_source})"),
        _ => format!("use number({text_source}) or text({number_source})"),
    }
}

fn mend_date(text: &What, text_source: &str, date_source: &str) -> String {
    if matches!(text, What::Text(_)) {
        format!("write date {text_source}, as in date '2026-05-01'")
    } else {
        format!("use text({date_source}), which is written 2026-05-01")
    }
}

fn called(function: Function, arguments: Vec<Node>, ty: Ty, at: usize, end: usize) -> Node {
    let what = What::Call(function, arguments);
    Node { at, end, ty, what }
}
