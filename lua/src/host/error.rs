//! Why a script gave no answer.

/// Why a script gave no answer. Argo CD shows such a resource as Unknown, or refuses to list or run the action
/// (contract 13 §1.3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The script is not Lua 5.1.
    #[error("syntax error in line {line}: {message}")]
    Syntax {
        /// Line of the script, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// The script is gopher-lua's dialect: Argo CD runs it, a Lua 5.1 does not (contract 13 §1.6).
    #[error(
        "line {line}: `goto` and labels are not Lua 5.1: Argo CD's Lua has them, this host cannot run them; write it with `if` and loops"
    )]
    Goto {
        /// Line of the first `goto` or label, from 1.
        line: usize,
    },
    /// The script raised an error, or used a value as what it is not.
    #[error("the script raised an error: {message}")]
    Raised {
        /// The error's text, which begins with `<string>:LINE:` where Lua knows it.
        message: String,
    },
    /// The script ran too long.
    #[error(
        "the script ran longer than {limit_milliseconds} ms and was stopped, as Argo CD does: look for a loop that does not end"
    )]
    Deadline {
        /// How long it was allowed to run.
        limit_milliseconds: u128,
    },
    /// The script's values grew too large.
    #[error(
        "the script needed more than {limit_mebibytes} MiB and was stopped (Argo CD has no such limit: its server would be killed): look for a text or table that grows in a loop"
    )]
    Memory {
        /// How much it was allowed to have.
        limit_mebibytes: usize,
    },
    /// Calls went too deep.
    #[error(
        "stack overflow: more than {limit} calls within each other: look for a function that calls itself without end"
    )]
    StackOverflow {
        /// How deep calls may go.
        limit: usize,
    },
    /// The script used what this host does not let it have.
    #[error(
        "the script used `{function}`, which is not allowed: scripts may use the basic functions (pairs, ipairs, next, type, tostring, tonumber, pcall, error, ...), `table`, and `time` and `date` of `require(\"os\")`"
    )]
    Forbidden {
        /// The function or library.
        function: String,
    },
    /// The script's answer is not what Argo CD expects.
    #[error(transparent)]
    Result(#[from] ResultError),
    /// The Lua machine itself failed.
    #[error("the Lua machine failed: {message}; this is a fault of the host, please report it with the script")]
    Machine {
        /// What it says.
        message: String,
    },
}

/// What is wrong with the value that a script returned (contract 13 §1.2, §1.3, §2.4). Places are JSON pointers into it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResultError {
    /// Not a table. The text is Argo CD's own.
    #[error("expect table output from Lua script, not {found}")]
    NotATable {
        /// Lua's name of its type.
        found: String,
    },
    /// Array keys with holes. The text up to the place is gopher-json's.
    #[error("cannot encode sparse array at {}: keys must run from 1 without holes", place(.at))]
    Sparse {
        /// Where.
        at: String,
    },
    /// Number and text keys in one table, or other keys.
    #[error("cannot encode mixed or invalid key types at {}: a table is either a list or has texts as keys", place(.at))]
    Keys {
        /// Where.
        at: String,
    },
    /// One table in two places.
    #[error("cannot encode recursively nested tables to JSON: the table at {} stands elsewhere too; build a new one for each place", place(.at))]
    Shared {
        /// The second place.
        at: String,
    },
    /// A function or another value without JSON form.
    #[error("cannot encode {found} to JSON at {}", place(.at))]
    NotJson {
        /// Where.
        at: String,
        /// Lua's name of its type.
        found: String,
    },
    /// Tables within tables within tables.
    #[error("tables lie deeper than {limit} levels at {}", place(.at))]
    Depth {
        /// Where.
        at: String,
        /// How many levels there may be.
        limit: usize,
    },
    /// A member of another type than Argo CD reads there.
    #[error("{} must be {wanted}, not {found}", place(.at))]
    Type {
        /// Where.
        at: String,
        /// What Argo CD reads there.
        wanted: &'static str,
        /// What stands there.
        found: String,
    },
    /// An action that returned an empty table, where Argo CD's server fails.
    #[error("the action returned an empty table: return obj, or a list of {{operation, resource}}")]
    Nothing,
    /// An operation that Argo CD does not know.
    #[error("{}: unsupported operation: {operation}; it must be \"create\" or \"patch\"", place(.at))]
    Operation {
        /// Where.
        at: String,
        /// What stands there, as JSON.
        operation: String,
    },
}

fn place(at: &str) -> &str {
    if at.is_empty() { "the returned value" } else { at }
}
