//! The host against scripts that behave and scripts that do not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use jiff::Timestamp;
use serde_json::{Value, json};
use serin_lua::host::{FoundAction, Health, Host, HostError, Operation, ResultError};
use std::collections::BTreeMap;

fn health(script: &str) -> Result<Health, HostError> {
    Host::argocd().health(script, &object())
}

fn object() -> Value {
    json!({ "apiVersion": "example.io/v1", "kind": "Thing", "metadata": { "name": "one", "labels": {} } })
}

fn act(script: &str, object: &Value) -> Result<serin_lua::host::Acted, HostError> {
    Host::argocd().act(script, object, &BTreeMap::new(), now())
}

fn now() -> Timestamp {
    "2026-02-03T04:05:06Z".parse().unwrap()
}

fn is(status: &str, message: &str) -> Health {
    Health {
        status: status.to_owned(),
        message: message.to_owned(),
    }
}

/// What a script's expression looks like as a message.
fn said(expression: &str) -> String {
    let script = format!("return {{ status = 'Healthy', message = tostring({expression}) }}");
    health(&script)
        .unwrap_or_else(|error| panic!("{expression}: {error}"))
        .message
}

#[test]
fn health_is_read_as_argo_cd_reads_it() {
    for (script, expected) in [
        ("return { status = 'Degraded', message = 'why' }", is("Degraded", "why")),
        ("return { status = 'Healthy' }", is("Healthy", "")),
        ("return { Status = 'Healthy', other = 1 }", is("Healthy", "")),
        (
            "return { status = 'Fine' }",
            is("Unknown", "Lua returned an invalid health status"),
        ),
        (
            "return { message = 'x' }",
            is("Unknown", "Lua returned an invalid health status"),
        ),
        ("return {}", Health::default()),
        ("return nil", Health::default()),
        ("local a = 1", Health::default()),
        ("return { status = 'Degraded', message = 7 }", Health::default()),
        ("return { status = true }", Health::default()),
        ("return { 'Degraded' }", Health::default()),
        ("return 1, { status = 'Healthy' }", is("Healthy", "")),
    ] {
        assert_eq!(health(script), Ok(expected), "{script}");
    }
    let number = health("return { status = 'Healthy' }, 1");
    assert_eq!(
        number.unwrap_err().to_string(),
        "expect table output from Lua script, not number"
    );
}

#[test]
fn numbers_and_nulls_arrive_as_in_argo_cd() {
    let object = json!({ "null": null, "list": [1, null, 3], "big": 9_007_199_254_740_993_i64, "half": 0.5 });
    let script = "return { status = 'Healthy', message = tostring(obj.null) .. ' ' .. #obj.list .. ' ' .. \
                  obj.list[2] .. ' ' .. tostring(obj.big) .. ' ' .. tostring(obj.half) }";
    let health = Host::argocd().health(script, &object).unwrap();
    assert_eq!(health.message, "nil 2 3 9007199254740992 0.5");
}

#[test]
fn numbers_look_as_in_argo_cd() {
    assert_eq!(said("1 / 3"), "0.3333333333333333");
    assert_eq!(said("10 ^ 15"), "1000000000000000");
    assert_eq!(said("0 / 0"), "NaN");
    assert_eq!(said("-1 / 0"), "-Inf");
    assert_eq!(said("tonumber('1e3')"), "nil");
    assert_eq!(said("tonumber('0x10')"), "16");
    assert_eq!(said("tonumber('z', 36)"), "35");
    assert_eq!(said("tonumber({})"), "nil");
    assert_eq!(said("nil"), "nil");
    assert_eq!(said("true"), "true");
    assert_eq!(
        said("setmetatable({}, { __tostring = function() return 'own' end })"),
        "own"
    );
}

#[test]
fn only_the_libraries_of_the_closed_mode_are_there() {
    for name in [
        "string",
        "math",
        "io",
        "os",
        "coroutine",
        "debug",
        "package",
        "gcinfo",
        "table.foreach",
        "table.setn",
    ] {
        assert_eq!(said(name), "nil", "{name}");
    }
    for name in [
        "table.insert",
        "table.concat",
        "table.sort",
        "table.getn",
        "pcall",
        "unpack",
        "select",
    ] {
        assert!(said(name).contains("function"), "{name}");
    }
    let script = "print('x') collectgarbage() return { status = 'Healthy', message = _VERSION }";
    assert_eq!(health(script), Ok(is("Healthy", "Lua 5.1")));
}

#[test]
fn what_is_forbidden_says_so() {
    for (script, function) in [
        ("dofile('/etc/passwd')", "dofile"),
        ("local f = loadstring('return 1')", "loadstring"),
        ("load(function() end)", "load"),
        ("loadfile('x')", "loadfile"),
        ("require('io')", "require(\"io\")"),
        ("setfenv(1, {})", "setfenv"),
        ("newproxy()", "newproxy"),
        ("module('x')", "module"),
        ("return string.format('%d', 1)", "string"),
        ("io.open('/etc/passwd')", "io"),
        ("local a = 'x' return a:upper()", "methods of texts"),
    ] {
        let expected = HostError::Forbidden {
            function: function.to_owned(),
        };
        assert_eq!(health(script), Err(expected), "{script}");
    }
    let text = health("dofile('x')").unwrap_err().to_string();
    assert!(
        text.contains("`dofile`, which is not allowed") && text.contains("`table`"),
        "{text}"
    );
}

#[test]
fn endless_scripts_are_stopped() {
    let deadline = Err(HostError::Deadline {
        limit_milliseconds: 1000,
    });
    for script in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "repeat local ok = pcall(error, 'x') until false",
        "local function loop() return loop() end loop()",
        "return pcall(function() while true do end end)",
        "for _ = 1, 1e300 do xpcall(function() while true do end end, function() while true do end end) end",
    ] {
        assert_eq!(health(script), deadline, "{script}");
    }
    let coroutines = "while true do pcall(coroutine.wrap(function() while true do end end)) end";
    assert_eq!(Host::with_open_libraries().health(coroutines, &object()), deadline);
}

#[test]
fn endless_recursion_is_stopped() {
    let overflow = Err(HostError::StackOverflow { limit: 256 });
    for script in [
        "local function deep() local x = deep() return x end deep()",
        "local function deep(n) return 1 + deep(n + 1) end return deep(1)",
        "local a, b function a() local x = b() return x end function b() return a() end a()",
        "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k .. 'x'] .. '' end return t.a",
        "return unpack({}, 1, 60000)",
    ] {
        assert_eq!(health(script), overflow, "{script}");
    }
}

#[test]
fn recursion_within_the_limit_runs() {
    let script = "local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end \
                  return { status = 'Healthy', message = tostring(deep(240)) }";
    assert_eq!(health(script), Ok(is("Healthy", "240")));
    let caught = "local function deep() local x = deep() return x end local ok = pcall(deep) \
                  return { status = 'Healthy', message = tostring(ok) }";
    assert_eq!(health(caught), Ok(is("Healthy", "false")));
    let tail = "local function count(n) if n == 0 then return 'done' end return count(n - 1) end \
                return { status = 'Healthy', message = count(5000) }";
    assert_eq!(health(tail), Ok(is("Healthy", "done")));
}

#[test]
fn growth_without_end_is_stopped() {
    let memory = Err(HostError::Memory { limit_mebibytes: 64 });
    for script in [
        "local s = 'x' while true do s = s .. s end",
        "local t, big = {}, {} for i = 1, 4000 do big[i] = i end while true do t = { t, { unpack(big) } } end",
    ] {
        assert_eq!(health(script), memory, "{script}");
    }
    let repeated = Host::with_open_libraries().health("return ('x'):rep(1e9)", &object());
    assert_eq!(repeated, memory);
    let moved = health("local t = {} table.insert(t, -2000000000, 'x')").unwrap_err();
    assert!(moved.to_string().contains("must be 1 or more"), "{moved}");
}

#[test]
fn faults_name_their_line() {
    let syntax = health("local a = 1\nlocal b = = 2").unwrap_err();
    let HostError::Syntax { line, message } = &syntax else {
        panic!("{syntax}")
    };
    assert_eq!((*line, message.as_str()), (2, "unexpected symbol near '='"));
    assert_eq!(health("\ngoto done\n::done::"), Err(HostError::Goto { line: 2 }));
    let bytecode = health("\u{1b}Lua").unwrap_err();
    assert!(matches!(bytecode, HostError::Syntax { .. }), "{bytecode}");

    let raised = health("\nerror('no good')").unwrap_err();
    assert_eq!(
        raised,
        HostError::Raised {
            message: "<string>:2: no good".to_owned()
        }
    );
    let index = health("return obj.spec.strategy").unwrap_err();
    let HostError::Raised { message } = &index else {
        panic!("{index}")
    };
    assert!(
        message.starts_with("<string>:1: ") && message.contains("'spec'"),
        "{message}"
    );
    assert!(matches!(health("error({})"), Err(HostError::Raised { .. })));
    assert!(matches!(health("error()"), Err(HostError::Raised { .. })));
}

#[test]
fn results_without_json_form_are_refused() {
    let at = |at: &str| at.to_owned();
    let not_json = |place: &str, found: &str| ResultError::NotJson {
        at: at(place),
        found: at(found),
    };
    let not_a_table = |found: &str| ResultError::NotATable { found: at(found) };
    for (script, expected) in [
        ("return { a = { 1, nil, 3 } }", ResultError::Sparse { at: at("/a") }),
        ("return { [2] = 1 }", ResultError::Sparse { at: at("") }),
        ("return { [1.5] = 1 }", ResultError::Sparse { at: at("") }),
        ("return { 1, a = 2 }", ResultError::Keys { at: at("") }),
        ("return { a = { [true] = 1 } }", ResultError::Keys { at: at("/a") }),
        (
            "local t = {} return { a = t, b = { t } }",
            ResultError::Shared { at: at("/b/0") },
        ),
        ("local t = {} t.t = t return t", ResultError::Shared { at: at("/t") }),
        ("return { a = print }", not_json("/a", "function")),
        ("return { a = 0 / 0 }", not_json("/a", "the number NaN")),
        ("return 'x'", not_a_table("string")),
        ("return true", not_a_table("boolean")),
    ] {
        assert_eq!(health(script), Err(expected.into()), "{script}");
    }
    let deep = health("local t = {} for _ = 1, 100000 do t = { t } end return t").unwrap_err();
    assert!(matches!(deep, HostError::Result(ResultError::Depth { .. })), "{deep}");
}

#[test]
fn discovery_is_read_as_argo_cd_reads_it() {
    let script = "return { stop = { disabled = true, iconClass = 'fa-stop', displayName = 'Stop it' }, go = {}, \
                  with = { params = { { name = 'many' } } } }";
    let named = |name: &str| FoundAction {
        name: name.to_owned(),
        ..FoundAction::default()
    };
    let expected = vec![
        named("go"),
        FoundAction {
            disabled: true,
            icon_class: "fa-stop".to_owned(),
            display_name: "Stop it".to_owned(),
            ..named("stop")
        },
        FoundAction {
            parameters: vec!["many".to_owned()],
            ..named("with")
        },
    ];
    assert_eq!(Host::argocd().discover(script, &object()), Ok(expected));
    assert_eq!(Host::argocd().discover("return {}", &object()), Ok(Vec::new()));
    for (script, text) in [
        ("return nil", "expect table output from Lua script, not nil"),
        (
            "return { go = { disabled = 'yes' } }",
            "/go/disabled must be true or false, not a text",
        ),
        ("return { go = true }", "/go must be a table, not a boolean"),
        (
            "return { 'go' }",
            "the returned value must be a table of actions by name, not a list (or an empty table)",
        ),
    ] {
        let error = Host::argocd().discover(script, &object()).unwrap_err();
        assert_eq!(error.to_string(), text, "{script}");
    }
}

#[test]
fn an_action_is_the_patch_that_argo_cd_would_write() {
    let live = json!({
        "kind": "Thing", "metadata": { "name": "one", "labels": {}, "creationTimestamp": null },
        "spec": { "paused": true, "list": [1, 2] }, "status": { "waiting": [{ "why": "x" }], "replicas": 3 },
    });
    let script = "obj.spec.paused = false obj.status.waiting = nil return obj";
    let acted = act(script, &live).unwrap();
    let gone = json!({ "creationTimestamp": null });
    let whole = json!({ "metadata": gone, "spec": { "paused": false }, "status": { "waiting": null } });
    assert_eq!(acted.patch.as_ref(), Some(&whole));
    assert_eq!(acted.status_patch.as_ref(), Some(&whole));
    assert_eq!(
        acted.main_patch,
        Some(json!({ "metadata": gone, "spec": { "paused": false } }))
    );
    assert_eq!(acted.object["metadata"], json!({ "name": "one", "labels": {} }));

    let unchanged = act("return obj", &object()).unwrap();
    assert_eq!(
        (unchanged.patch, unchanged.status_patch, unchanged.main_patch),
        (None, None, None)
    );
    assert_eq!(unchanged.object, object());
}

#[test]
fn an_action_may_return_a_list() {
    let script = "local job = { kind = 'Job', metadata = { name = 'j' } } obj.metadata.labels.a = 'b' \
                  return { { operation = 'create', resource = job }, { operation = 'patch', resource = obj } }";
    let acted = act(script, &object()).unwrap();
    assert_eq!(acted.patch, Some(json!({ "metadata": { "labels": { "a": "b" } } })));
    assert_eq!(acted.impacted[0].operation, Operation::Create);
    assert_eq!(
        acted.impacted[0].resource,
        json!({ "kind": "Job", "metadata": { "name": "j" } })
    );
    for (script, text) in [
        ("return {}", "the action returned an empty table"),
        ("return nil", "expect table output from Lua script, not nil"),
        ("return { spec = {} }", "/kind must be the name of a kind, not nothing"),
        (
            "return { { operation = 'delete', resource = obj } }",
            "/0/operation: unsupported operation: \"delete\"",
        ),
        (
            "return { { operation = 'patch' } }",
            "/0/resource must be an object with a kind, not nothing",
        ),
    ] {
        let error = act(script, &object()).unwrap_err().to_string();
        assert!(error.starts_with(text), "{script}: {error}");
    }
}

#[test]
fn actions_see_their_parameters_and_the_time_they_are_given() {
    let script = "local os = require('os') obj.a = actionParams.many obj.b = os.date('!%Y-%m-%dT%H:%M:%SZ') \
                  obj.c = os.time() obj.d = os.date('%a %A %b %I%p %x %y %z %Z %w %% %q %') \
                  obj.e = os.time({ year = 2026, month = 14, day = 31, hour = 0 }) obj.f = os.date('*t', 0).wday return obj";
    let parameters = BTreeMap::from([("many".to_owned(), "7".to_owned())]);
    let acted = Host::argocd()
        .act(script, &object(), &parameters, now())
        .unwrap()
        .object;
    assert_eq!(acted["a"], "7");
    assert_eq!(acted["b"], "2026-02-03T04:05:06Z");
    assert_eq!(acted["c"], now().as_second());
    assert_eq!(acted["d"], "mon Tuesday Feb 04AM 04/05/06 26 +0000 UTC 2 % %q %");
    let day: Timestamp = "2027-03-03T00:00:00Z".parse().unwrap();
    assert_eq!(acted["e"], day.as_second());
    assert_eq!(acted["f"], 5);
}

#[test]
fn open_libraries_are_there_but_no_files() {
    let script = "return { status = 'Healthy', message = string.format('%s %d', ('x'):upper(), math.floor(1.5)) .. \
                  tostring(io) .. tostring(debug) .. tostring(os.execute) .. type(coroutine.wrap) }";
    let health = Host::with_open_libraries().health(script, &object());
    assert_eq!(health, Ok(is("Healthy", "X 1nilnilnilfunction")));
    let dump = Host::with_open_libraries().health("return string.dump(print)", &object());
    assert_eq!(
        dump,
        Err(HostError::Forbidden {
            function: "string.dump".to_owned()
        })
    );
}

#[test]
fn nothing_of_one_call_is_seen_by_the_next() {
    let host = Host::argocd();
    let script =
        "if seen then return { status = 'Degraded' } end seen = true table.insert = nil return { status = 'Healthy' }";
    for _ in 0..2 {
        assert_eq!(host.health(script, &object()), Ok(is("Healthy", "")));
    }
}
