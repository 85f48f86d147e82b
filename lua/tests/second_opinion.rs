//! Serin's host against gopher-lua, as Argo CD 2.8 to 3.6 run it. Without `SERIN_GOPHERLUA` all of it is ignored.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(clippy::print_stdout, reason = "how much was compared, and why nothing was")]

#[allow(dead_code, reason = "here nothing is compared with Rust")]
#[path = "rules/compare.rs"]
mod compare;
#[path = "rules/files.rs"]
mod files;
#[path = "rules/gopher.rs"]
mod gopher;
#[path = "rules/objects.rs"]
mod objects;
mod support;

use jiff::Timestamp;
use libtest_mimic::{Arguments, Trial};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;
use support::{Answer, Mode, Script, SecondOpinion, Task, disagreements};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let is_missing = SecondOpinion::folder().is_none();
    let test = |name: &str, run: fn()| {
        let run = move || {
            run();
            Ok(())
        };
        Trial::test(name, run)
            .with_kind("SERIN_GOPHERLUA")
            .with_ignored_flag(is_missing)
    };
    let tests = vec![
        test(
            "scripts_give_the_same_in_both_machines",
            scripts_give_the_same_in_both_machines,
        ),
        test(
            "parameters_arrive_as_texts_in_both_machines",
            parameters_arrive_as_texts_in_both_machines,
        ),
        test("known_differences_are_differences", known_differences_are_differences),
        test(
            "odd_objects_give_the_same_in_both_machines",
            odd_objects_give_the_same_in_both_machines,
        ),
        test("fixtures_are_judged_alike", gopher::fixtures_are_judged_alike),
        test(
            "generated_objects_are_judged_alike",
            gopher::generated_objects_are_judged_alike,
        ),
    ];
    libtest_mimic::run(&arguments, tests).exit_code()
}

fn now() -> Timestamp {
    "2026-02-03T04:05:06Z".parse().unwrap()
}

fn script(mode: Mode, text: &str) -> Script {
    Script {
        name: text.to_owned(),
        mode,
        text: text.to_owned(),
    }
}

fn object() -> Value {
    json!({
        "apiVersion": "example.io/v1", "kind": "Thing",
        "metadata": { "name": "one", "labels": {}, "generation": 3, "creationTimestamp": null },
        "spec": { "list": [1, null, { "a": {} }], "none": [], "half": 0.5, "big": 9_007_199_254_740_993_i64 },
        "status": { "phase": "Paused", "conditions": [{ "type": "A", "status": "True" }] },
    })
}

/// Expressions whose text is compared.
const MESSAGES: &[&str] = &[
    "1 / 3",
    "10 ^ 15",
    "10 ^ 21",
    "-1 / 0",
    "0 / 0",
    "1 / 0",
    "0.1 + 0.2",
    "1e300",
    "1e-7",
    "123456.75",
    "-1234567.5",
    "tonumber('1e3')",
    "tonumber('0x1f')",
    "tonumber('0X1F', 16)",
    "tonumber('zz', 36)",
    "tonumber(' 12 ')",
    "tonumber('1.5')",
    "tonumber('.5')",
    "tonumber('5.')",
    "tonumber('1.5e3')",
    "tonumber('')",
    "tonumber('-7')",
    "tonumber('+7')",
    "tonumber('1 2')",
    "tonumber(nil)",
    "tonumber({})",
    "tonumber(true)",
    "tonumber('99999999999999999999')",
    "tonumber('0x')",
    "tonumber('x', 16)",
    "tonumber(obj.missing)",
    "obj.spec.big",
    "obj.spec.half",
    "#obj.spec.list",
    "obj.metadata.creationTimestamp",
    "table.concat({ 1, 2, 3 }, '-')",
    "table.getn({ 1, 2 })",
    "#'text'",
    "7 % 3",
    "-7 % 3",
    "2 ^ 10",
    "1 == 1.0",
    "'10' + 5",
    "type(print)",
    "type(obj)",
    "select('#', 1, nil)",
    "_VERSION",
    "next({})",
    "string",
    "math",
    "io",
    "os",
    "coroutine",
    "debug",
    "pcall(error)",
    "rawequal(obj, obj)",
    "unpack({ 5 })",
    "type(require('os').time)",
    "require('os').date('!%Y-%m-%dT%H:%M:%SZ', 0)",
    "require('os').date('%c %a %A %x %p %I %w %% %q %', 1e9)",
    "require('os').time({ year = 2026, month = 14, day = -3 })",
    "tostring('text')",
    "tostring(nil)",
    "not nil",
    "'a' < 'b'",
    "table.remove({ 1, 2 })",
    "xpcall(function() error('x') end, function() end)",
];

/// Health checks with all sorts of results and faults.
const HEALTH: &[&str] = &[
    "return {}",
    "return nil",
    "return",
    "local a = 1",
    "return 1",
    "return 'x'",
    "return true",
    "return print",
    "return { 1 }",
    "return { status = 'Fine' }",
    "return { status = 1 }",
    "return { status = 'Healthy', message = 1 }",
    "return { Status = 'Healthy' }",
    "return { status = 'Healthy', STATUS = 'Degraded' }",
    "return { status = 'Healthy', message = {} }",
    "return { status = 'Healthy' }, 1",
    "return 1, { status = 'Healthy' }",
    "return { status = 'Healthy', more = { 1, nil, 3 } }",
    "return { [2] = 1 }",
    "return { 1, a = 1 }",
    "local t = {} t[3] = 1 t[2] = 2 t[1] = 3 return { status = 'Healthy', list = t }",
    "return { [true] = 1 }",
    "return { [1.5] = 1 }",
    "local t = {} return { a = t, b = t }",
    "local t = {} t.t = t return t",
    "return { a = print }",
    "return { a = 0 / 0 }",
    "return { status = 'Healthy', message = 'a\\255b' }",
    "local",
    "a = = 1",
    "error('x')",
    "error({})",
    "error()",
    "error('x', 0)",
    "return obj.spec.missing.too",
    "obj.spec.list()",
    "return {} .. 'x'",
    "return ('x'):upper()",
    "return { status = 'Healthy', message = ('a' .. 1) }",
    "while true do end",
    "while true do pcall(error) end",
    "local function deep() local x = deep() return x end deep()",
    "local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end deep(240) return {}",
    "require('io')",
    "return { status = 'Healthy', message = tostring(pcall(function() error('x') end)) }",
];

/// Discoveries.
const DISCOVERY: &[&str] = &[
    "return {}",
    "return nil",
    "return 1",
    "return { go = {} }",
    "return { go = { disabled = true, iconClass = 'fa', displayName = 'Go' } }",
    "return { go = { disabled = 'yes' } }",
    "return { go = true }",
    "return { 'go' }",
    "return { go = { 1 } }",
    "return { go = { name = 'other' } }",
    "return { go = { params = { { name = 'a' } } } }",
    "return { go = { params = {} } }",
    "return { b = {}, a = {}, c = { Disabled = true } }",
    "return { go = { iconClass = 1 } }",
];

/// Actions.
const ACTIONS: &[&str] = &[
    "return obj",
    "return {}",
    "return nil",
    "obj.kind = nil return obj",
    "obj.status = nil return obj",
    "obj.spec.list = {} return obj",
    "obj.spec.none = nil return obj",
    "obj.metadata.labels = nil return obj",
    "obj.metadata.labels.a = 'b' return obj",
    "obj.spec.new = {} return obj",
    "obj.status.phase = 'Running' obj.spec.half = 1 return obj",
    "obj.spec.list[2] = nil return obj",
    "obj.spec.list[9] = 1 return obj",
    "obj.spec.restartAt = require('os').date('!%Y-%m-%dT%XZ') return obj",
    "obj.spec.list[2].a.b = 1 return obj",
    "obj.status.conditions = {} return obj",
    "return { { operation = 'patch', resource = obj }, { operation = 'create', resource = { kind = 'Job' } } }",
    "return { { operation = 'delete', resource = obj } }",
    "return { { operation = 'create' } }",
    "obj.a = obj.spec return obj",
    "obj.spec.big = obj.spec.big + 1 return obj",
    "obj.actionParams = actionParams.missing return obj",
    "table.insert(obj.status.conditions, { type = 'B' }) return obj",
    "table.remove(obj.status.conditions, 1) return obj",
    "obj.spec.f = 1.5 obj.spec.g = 1e21 obj.spec.h = -1e-9 return obj",
];

fn scripts_give_the_same_in_both_machines() {
    let message = |expression: &&str| {
        let text = format!("return {{ status = 'Healthy', message = tostring({expression}) }}");
        script(Mode::Health, &text)
    };
    let scripts: Vec<Script> = MESSAGES
        .iter()
        .map(message)
        .chain(HEALTH.iter().map(|text| script(Mode::Health, text)))
        .chain(DISCOVERY.iter().map(|text| script(Mode::Discovery, text)))
        .chain(ACTIONS.iter().map(|text| script(Mode::Action, text)))
        .collect();
    let (found, compared) = disagreements(&scripts, [object()], now());
    assert!(found.is_empty(), "{}", found.join("\n"));
    println!("{compared} calls compared");
}

fn parameters_arrive_as_texts_in_both_machines() {
    let text = "obj.spec.many = actionParams.many .. type(actionParams.many) return obj";
    let script = script(Mode::Action, text);
    let parameters = BTreeMap::from([("many".to_owned(), "7".to_owned())]);
    let object = object();
    let task = Task {
        script: &script,
        object: &object,
        parameters: &parameters,
        now: now(),
    };
    let ours = Answer::of_host(&task);
    for mut opinion in SecondOpinion::all(std::slice::from_ref(&script)) {
        opinion.ask(std::slice::from_ref(&task), |_, theirs| {
            assert!(ours.agrees(&theirs), "{ours:?} {theirs:?}")
        });
    }
}

/// What the host's documentation says cannot be bridged. When one of these agrees, the documentation is out of date.
fn known_differences_are_differences() {
    let known = [
        "return { status = 'Healthy', message = '' .. (0.1 + 0.2) }",
        "return { status = 'Healthy', message = '' .. 1e15 }",
        "return { status = 'Healthy', message = tostring('010' + 1) }",
        "goto done ::done:: return { status = 'Healthy' }",
        "return { status = 'Healthy', message = tostring(loadstring('return 1')()) }",
    ];
    for text in known {
        let (found, compared) = disagreements(&[script(Mode::Health, text)], [object()], now());
        assert_eq!(found.len(), compared, "no longer a difference in all versions: {text}");
    }
}

/// A generator of odd objects: every type in every place.
struct Odd(u64);

impl Odd {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn value(&mut self, depth: u32) -> Value {
        let kinds = if depth == 0 { 6 } else { 8 };
        match self.below(kinds) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(1000)),
            3 => json!((self.below(1_000_000) as f64 - 500_000.0) / 8.0),
            4 => json!(["", "a", "1", "01", "1e3", "0x1", "Healthy", "\u{e9}\u{1f600}"][self.below(8) as usize]),
            5 => json!([1e15, -0.25, 1e21, 1e-7, 4_294_967_296.0, 123_456_789.5][self.below(6) as usize]),
            6 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => Value::Object(self.members(depth - 1)),
        }
    }

    fn members(&mut self, depth: u32) -> Map<String, Value> {
        let names = ["spec", "status", "phase", "message", "conditions", "a", "b", "1"];
        let count = self.below(5);
        (0..count)
            .map(|_| (names[self.below(8) as usize].to_owned(), self.value(depth)))
            .collect()
    }

    fn object(&mut self) -> Value {
        let mut members = self.members(4);
        members.insert("apiVersion".to_owned(), json!("example.io/v1"));
        members.insert("kind".to_owned(), json!("Thing"));
        Value::Object(members)
    }
}

fn odd_objects_give_the_same_in_both_machines() {
    let scripts = [
        script(
            Mode::Health,
            "local status = obj.status if type(status) ~= 'table' then return { status = 'Progressing', message = tostring(status) } end
             local message = type(status.phase) .. ' ' .. tostring(tonumber(status.phase))
             if type(status.phase) ~= 'table' then message = message .. ' ' .. tostring(status.phase) end
             if type(status.conditions) == 'table' then
               for index, condition in ipairs(status.conditions) do message = message .. ' ' .. index .. type(condition) end
             end
             return { status = 'Healthy', message = message }",
        ),
        script(Mode::Health, "return { status = obj.status, message = obj.message }"),
        script(Mode::Discovery, "return { go = obj.spec, stop = { disabled = obj.status } }"),
        script(Mode::Discovery, "return obj.spec"),
        script(Mode::Action, "return obj"),
        script(Mode::Action, "obj.status = nil if type(obj.spec) == 'table' then obj.spec.a = 'x' end return obj"),
        script(Mode::Action, "obj.status = { phase = obj.message } return obj"),
    ];
    let mut odd = Odd(0x5eed_0000_0000_0001);
    let objects = (0..2000).map(|_| odd.object());
    let (found, compared) = disagreements(&scripts, objects, now());
    assert!(found.is_empty(), "{}", found.join("\n"));
    println!("{compared} calls compared");
}
