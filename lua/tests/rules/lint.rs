//! The rules for generated Lua (contract 13 §3), on its syntax tree.

use full_moon::ast::{self, Ast, Block, Call, Expression, Field, FunctionBody, FunctionCall, Prefix, Stmt, Suffix};
use full_moon::tokenizer::TokenReference;
use full_moon::visitors::Visitor;
use serin_core::hooks;
use serin_lua::generate::{Options, customizations};
use std::collections::BTreeSet;

/// Functions of the base library that Argo CD's closed mode has and both machines understand alike.
const GLOBALS: [&str; 8] = [
    "ipairs", "require", "select", "tonumber", "tostring", "type", "obj", "table",
];

/// Walks a script and remembers what it may not do.
#[derive(Default)]
struct Lint {
    /// Names of the scopes that are open.
    scopes: Vec<BTreeSet<String>>,
    /// Names of the local functions whose bodies are open: calling one of them is recursion.
    inside: Vec<String>,
    found: Vec<String>,
}

fn lint(script: &str) -> Vec<String> {
    let ast: Ast = match full_moon::parse(script) {
        Ok(ast) => ast,
        Err(errors) => return errors.iter().map(ToString::to_string).collect(),
    };
    let mut lint = Lint::default();
    lint.block(ast.nodes());
    let mut calls = Calls::default();
    calls.visit_ast(&ast);
    lint.found.extend(calls.found);
    let returns = matches!(ast.nodes().last_stmt(), Some(ast::LastStmt::Return(_)));
    if !returns {
        lint.found.push("the script does not end with a return".to_owned());
    }
    lint.found
}

fn name(token: &TokenReference) -> String {
    token.token().to_string()
}

impl Lint {
    fn say(&mut self, what: impl Into<String>) {
        self.found.push(what.into());
    }

    fn define(&mut self, name: String) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name);
        }
    }

    fn knows(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.contains(name))
    }

    fn block(&mut self, block: &Block) {
        self.scopes.push(BTreeSet::new());
        for statement in block.stmts() {
            self.statement(statement);
        }
        if let Some(ast::LastStmt::Return(last)) = block.last_stmt() {
            let returned: Vec<_> = last.returns().iter().collect();
            if returned.is_empty() {
                self.say("a return without a value: at the end of a call's arguments it is no argument at all");
            }
            if returned.len() > 1 {
                self.say("more than one value is returned: Argo CD reads the last one");
            }
            returned.iter().for_each(|value| self.expression(value));
        }
        self.scopes.pop();
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::LocalAssignment(local) => {
                local.expressions().iter().for_each(|value| self.expression(value));
                local.names().iter().for_each(|token| self.define(name(token)));
            }
            Stmt::LocalFunction(function) => {
                self.define(name(function.name()));
                self.inside.push(name(function.name()));
                self.body(function.body());
                self.inside.pop();
            }
            Stmt::Assignment(assignment) => {
                assignment.expressions().iter().for_each(|value| self.new_value(value));
                assignment
                    .variables()
                    .iter()
                    .for_each(|variable| self.assigned(variable));
            }
            Stmt::If(check) => {
                self.expression(check.condition());
                self.block(check.block());
                for other in check.else_if().into_iter().flatten() {
                    self.expression(other.condition());
                    self.block(other.block());
                }
                check.else_block().into_iter().for_each(|block| self.block(block));
            }
            Stmt::GenericFor(each) => {
                each.expressions().iter().for_each(|value| self.expression(value));
                self.scopes.push(each.names().iter().map(name).collect());
                self.block(each.block());
                self.scopes.pop();
            }
            Stmt::NumericFor(each) => {
                self.expression(each.start());
                self.expression(each.end());
                self.scopes.push([name(each.index_variable())].into());
                self.block(each.block());
                self.scopes.pop();
            }
            Stmt::FunctionCall(call) => self.call(call),
            other => self.say(format!("a statement that is not in use: {}", other.to_string().trim())),
        }
    }

    /// Linear time: no loop but over what is given. A global is another script's trouble.
    fn assigned(&mut self, variable: &ast::Var) {
        match variable {
            ast::Var::Name(token) if !self.knows(&name(token)) => {
                self.say(format!("the global {} is set", name(token)))
            }
            ast::Var::Expression(place) => {
                self.prefix(place.prefix());
                place.suffixes().for_each(|suffix| self.suffix(suffix));
            }
            _ => {}
        }
    }

    /// A new empty table arrives as a list, and the API server refuses it.
    fn new_value(&mut self, value: &Expression) {
        if let Expression::TableConstructor(table) = value
            && table.fields().is_empty()
            && self.inside.is_empty()
        {
            self.say("an empty table is put into the object");
        }
        self.expression(value);
    }

    fn body(&mut self, body: &FunctionBody) {
        let parameters = body.parameters().iter().filter_map(|parameter| match parameter {
            ast::Parameter::Name(token) => Some(name(token)),
            _ => None,
        });
        self.scopes.push(parameters.collect());
        self.block(body.block());
        self.scopes.pop();
        if !matches!(body.block().last_stmt(), Some(ast::LastStmt::Return(_))) {
            self.say("a function that may end without a return: its result is no argument at all then");
        }
    }

    fn expression(&mut self, expression: &Expression) {
        match expression {
            Expression::BinaryOperator { lhs, rhs, .. } => {
                self.expression(lhs);
                self.expression(rhs);
            }
            Expression::UnaryOperator { expression, .. } | Expression::Parentheses { expression, .. } => {
                self.expression(expression)
            }
            Expression::Function(function) => self.body(function.body()),
            Expression::FunctionCall(call) => self.call(call),
            Expression::TableConstructor(table) => {
                for field in table.fields() {
                    match field {
                        Field::NameKey { value, .. } => self.expression(value),
                        Field::NoKey(value) => self.expression(value),
                        Field::ExpressionKey { key, value, .. } => {
                            self.expression(key);
                            self.expression(value);
                        }
                        other => self.say(format!("a field that is not in use: {other}")),
                    }
                }
            }
            Expression::Var(ast::Var::Name(token)) => self.named(&name(token)),
            Expression::Var(ast::Var::Expression(place)) => {
                self.prefix(place.prefix());
                place.suffixes().for_each(|suffix| self.suffix(suffix));
            }
            _ => {}
        }
    }

    fn named(&mut self, name: &str) {
        if !self.knows(name) && !GLOBALS.contains(&name) && name != "..." {
            self.say(format!("the global {name} is used"));
        }
        if self.inside.iter().any(|function| function == name) {
            self.say(format!("{name} calls itself"));
        }
    }

    fn call(&mut self, call: &FunctionCall) {
        self.prefix(call.prefix());
        call.suffixes().for_each(|suffix| self.suffix(suffix));
    }

    fn prefix(&mut self, prefix: &Prefix) {
        match prefix {
            Prefix::Name(token) => self.named(&name(token)),
            Prefix::Expression(expression) => self.expression(expression),
            other => self.say(format!("a prefix that is not in use: {other}")),
        }
    }

    fn suffix(&mut self, suffix: &Suffix) {
        match suffix {
            Suffix::Call(Call::AnonymousCall(arguments)) => match &**arguments {
                ast::FunctionArgs::Parentheses { arguments, .. } => {
                    arguments.iter().for_each(|argument| self.expression(argument));
                }
                other => self.say(format!("a call that is not in use: {other}")),
            },
            // What is indexed without a look at its type raises where it is missing. `.date` of `require("os")` and what
            // `inside` gives are there.
            Suffix::Index(ast::Index::Brackets { expression, .. }) => self.expression(expression),
            Suffix::Index(ast::Index::Dot { .. }) => {}
            other => self.say(format!("a call that is not in use: {other}")),
        }
    }
}

/// What is looked at wherever it stands.
#[derive(Default)]
struct Calls {
    found: Vec<String>,
}

impl Visitor for Calls {
    fn visit_function_call(&mut self, call: &FunctionCall) {
        let text = call.to_string();
        let text = text.trim();
        if text.starts_with("require") && !text.starts_with("require(\"os\").date(\"!") {
            self.found
                .push(format!("{text}: only require(\"os\").date in UTC is allowed"));
        }
    }

    fn visit_var_expression(&mut self, place: &ast::VarExpression) {
        let text = place.to_string();
        let text = text.trim();
        // `obj.status.phase` raises where there is no status.
        if text.starts_with("obj.") || text.starts_with("obj[") {
            self.found.push(format!("{text}: the object is read with at() only"));
        }
    }

    fn visit_while(&mut self, _: &ast::While) {
        self.found.push("while: a loop over nothing that is given".to_owned());
    }

    fn visit_repeat(&mut self, _: &ast::Repeat) {
        self.found.push("repeat: a loop over nothing that is given".to_owned());
    }
}

#[test]
fn generated_scripts_keep_the_rules() {
    let every = Options {
        rules: hooks::Options {
            healthy_pauses: hooks::Pause::ALL.to_vec(),
            experiment_messages: true,
            extras: true,
        },
        upstream_labels: false,
    };
    let mut scripts = 0;
    for kind in [customizations(&Options::default()), customizations(&every)].concat() {
        let actions = kind.actions.unwrap_or_default();
        let all = actions.definitions.into_iter().chain([
            ("health".to_owned(), kind.health.unwrap()),
            ("discovery".to_owned(), actions.discovery),
        ]);
        for (name, script) in all.filter(|(_, script)| !script.is_empty()) {
            scripts += 1;
            assert_eq!(lint(&script), Vec::<String>::new(), "{} {name}", kind.kind);
        }
    }
    assert!(scripts > 30, "{scripts} scripts only");
}

#[test]
fn what_is_not_allowed_is_found() {
    let table = [
        ("x = 1 return x", "the global x is set"),
        ("return string.format(\"a\")", "the global string is used"),
        ("local function f(n) return f(n) end return f(1)", "f calls itself"),
        ("while true do end return 1", "while"),
        ("repeat until false return 1", "repeat"),
        ("return obj.status.phase", "at() only"),
        ("return 1, 2", "more than one value"),
        ("local function f() end return f()", "without a return"),
        ("local function f() return end return f()", "a return without a value"),
        ("local a = 1", "does not end with a return"),
        ("return require(\"io\")", "only require"),
        ("return require(\"os\").date(\"%c\")", "only require"),
        ("local a = {} a.b = {} return a", "an empty table"),
        ("goto done ::done:: return 1", ""),
        ("return function(", ""),
    ];
    for (script, meant) in table {
        let found = lint(script);
        assert!(found.iter().any(|text| text.contains(meant)), "{script}: {found:?}");
    }
}
