//! Objects in files, read as kubectl's `-f` reads them: several documents, Lists, folders, standard input.

use serde_json::Value;
use serin_core::notation::yaml::{self, Document};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// An object and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    /// The object, with `apiVersion` and `kind`.
    pub(crate) object: Value,
    file: String,
    document: Rc<Document>,
    /// Where the object stands in its document: empty, or `items[2]` in a List.
    path: String,
}

impl Manifest {
    /// `Rollout/web`, or the kind alone where there is no name.
    pub(crate) fn title(&self) -> String {
        match self.name() {
            "" => self.kind().to_owned(),
            name => format!("{}/{name}", self.kind()),
        }
    }

    /// The kind.
    pub(crate) fn kind(&self) -> &str {
        text_at(&self.object, "/kind")
    }

    /// The group and version.
    pub(crate) fn api_version(&self) -> &str {
        text_at(&self.object, "/apiVersion")
    }

    /// The name; empty if there is none.
    pub(crate) fn name(&self) -> &str {
        text_at(&self.object, "/metadata/name")
    }

    /// The file, as it was named.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// The document with only this object in it, for readers that name lines. In a List the lines of its items cannot be
    /// kept: `None`.
    pub(crate) fn document(&self) -> Option<&Document> {
        self.path.is_empty().then_some(&*self.document)
    }

    /// `<file>: line <n>` of a field of the object.
    pub(crate) fn place(&self, field: &str) -> String {
        let path = match (self.path.as_str(), field) {
            ("", field) => field.to_owned(),
            (path, "") => path.to_owned(),
            (path, field) => format!("{path}.{field}"),
        };
        format!("{}: line {}", self.file, self.document.line_of(&path))
    }
}

/// All objects of files and folders, in order; of a folder the files `*.yaml`, `*.yml` and `*.json` at any depth, sorted,
/// without hidden ones. `-` is standard input. Each item is an object, or what is wrong, with file and line.
pub(crate) fn read(paths: &[PathBuf]) -> Vec<Result<Manifest, String>> {
    let mut found = Vec::new();
    for path in paths {
        let files = if path.is_dir() {
            in_folder(path)
        } else {
            Ok(vec![path.clone()])
        };
        match files {
            Ok(files) => files.iter().for_each(|file| found.extend(in_file(file))),
            Err(problem) => found.push(Err(problem)),
        }
    }
    found
}

/// All objects of one text; `file` names it in what is wrong.
pub(crate) fn parse(file: &str, text: &str) -> Vec<Result<Manifest, String>> {
    let documents = match yaml::parse_docs(text) {
        Ok(documents) => documents,
        Err(error) => return vec![Err(format!("{file}: {error}"))],
    };
    if documents.is_empty() {
        return vec![Err(format!(
            "{file}: line 1: the file is empty; it must contain an object"
        ))];
    }
    let mut found = Vec::new();
    for document in documents {
        let manifest = Manifest {
            object: document.value.clone(),
            file: file.to_owned(),
            document: Rc::new(document),
            path: String::new(),
        };
        take_apart(manifest, &mut found);
    }
    found
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    let unreadable = |at: &Path, error: &io::Error| format!("{}: cannot be read: {error}", at.display());
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).map_err(|error| unreadable(&next, &error))? {
            let entry = entry.map_err(|error| unreadable(&next, &error))?;
            let path = entry.path();
            // Links to folders are not followed: they may lead in circles.
            let is_folder = entry.file_type().map_err(|error| unreadable(&path, &error))?.is_dir();
            if entry.file_name().to_string_lossy().starts_with('.') {
            } else if is_folder {
                folders.push(path);
            } else if path.is_file()
                && path
                    .extension()
                    .is_some_and(|it| it == "yaml" || it == "yml" || it == "json")
            {
                files.push(path);
            }
        }
    }
    if files.is_empty() {
        return Err(format!(
            "{}: the folder has no files *.yaml, *.yml or *.json",
            folder.display()
        ));
    }
    files.sort();
    Ok(files)
}

fn in_file(path: &Path) -> Vec<Result<Manifest, String>> {
    let mut text = String::new();
    let (name, read) = if path == Path::new("-") {
        ("standard input".to_owned(), io::stdin().read_to_string(&mut text))
    } else {
        let read = fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text));
        (path.display().to_string(), read)
    };
    match read {
        Ok(_) => parse(&name, &text),
        Err(error) => vec![Err(format!("{name}: cannot be read: {error}"))],
    }
}

/// An object is added, a List is taken apart, anything else is a problem.
fn take_apart(manifest: Manifest, found: &mut Vec<Result<Manifest, String>>) {
    if let Some(problem) = problem_of(&manifest.object) {
        found.push(Err(format!("{}: {problem}", manifest.place(""))));
        return;
    }
    let Some(items) = items_of(&manifest.object) else {
        found.push(Ok(manifest));
        return;
    };
    for (index, item) in items.iter().enumerate() {
        let mut object = item.clone();
        inherit(&mut object, &manifest);
        let at = format!("items[{index}]");
        let path = match manifest.path.as_str() {
            "" => at,
            above => format!("{above}.{at}"),
        };
        let item = Manifest {
            object,
            path,
            file: manifest.file.clone(),
            document: Rc::clone(&manifest.document),
        };
        take_apart(item, found);
    }
}

/// Why a value is no Kubernetes object.
fn problem_of(value: &Value) -> Option<String> {
    let is = match value {
        Value::Object(_) => {
            let missing = ["apiVersion", "kind"].into_iter().find(|field| {
                let text = value.get(*field).and_then(Value::as_str);
                text.is_none_or(str::is_empty)
            });
            return missing.map(|field| format!("this is not a Kubernetes object: it has no {field}"));
        }
        Value::Null => "empty",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
    };
    Some(format!(
        "this is not a Kubernetes object, but {is}; an object has apiVersion, kind and metadata"
    ))
}

/// The items of a List, of any kind.
fn items_of(object: &Value) -> Option<&[Value]> {
    let is_list = text_at(object, "/kind").ends_with("List");
    match object.get("items") {
        Some(Value::Array(items)) if is_list => Some(items),
        Some(Value::Null) | None if text_at(object, "/kind") == "List" => Some(&[]),
        Some(_) | None => None,
    }
}

/// Items of a typed list, as the API server answers it, do not repeat what the list says.
fn inherit(object: &mut Value, list: &Manifest) {
    let (Some(members), Some(kind)) = (object.as_object_mut(), list.kind().strip_suffix("List")) else {
        return;
    };
    if !kind.is_empty() {
        members.entry("kind").or_insert_with(|| kind.into());
        members.entry("apiVersion").or_insert_with(|| list.api_version().into());
    }
}

fn text_at<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    /// Titles of objects and texts of problems, a line each.
    fn told(text: &str) -> Vec<String> {
        let found = parse("f", text).into_iter();
        found
            .map(|it| it.map_or_else(|problem| problem, |manifest| manifest.title()))
            .collect()
    }

    #[test]
    fn documents_and_lists_are_taken_apart() {
        let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}}";
        for (text, titles) in [
            (format!("{pod}\n---\n{pod}\n"), vec!["Pod/p", "Pod/p"]),
            (
                format!(
                    "apiVersion: v1\nkind: List\nitems:\n- {pod}\n- {{apiVersion: v1, kind: List, items: [{pod}]}}\n"
                ),
                vec!["Pod/p", "Pod/p"],
            ),
            (
                "apiVersion: argoproj.io/v1alpha1\nkind: RolloutList\nitems: [{metadata: {name: a}}]".to_owned(),
                vec!["Rollout/a"],
            ),
            ("apiVersion: v1\nkind: List\n".to_owned(), vec![]),
            (
                "apiVersion: x/v1\nkind: AllowList\nspec: {}\n".to_owned(),
                vec!["AllowList"],
            ),
        ] {
            assert_eq!(told(&text), titles, "{text}");
        }
        let list = parse("f", "apiVersion: v1\nkind: RolloutList\nitems: [{}]");
        assert_eq!(list[0].as_ref().unwrap().api_version(), "v1");
    }

    #[test]
    fn what_is_no_object_is_told_with_its_line() {
        for (text, problem) in [
            ("", "f: line 1: the file is empty; it must contain an object"),
            (
                "- a\n- b\n",
                "f: line 1: this is not a Kubernetes object, but a list; an object has apiVersion, kind and metadata",
            ),
            (
                "hello\n",
                "f: line 1: this is not a Kubernetes object, but a text; an object has apiVersion, kind and metadata",
            ),
            (
                "kind: Pod\n",
                "f: line 1: this is not a Kubernetes object: it has no apiVersion",
            ),
            (
                "# values\n---\nimage: x\n",
                "f: line 3: this is not a Kubernetes object: it has no apiVersion",
            ),
            (
                "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1}\n",
                "f: line 4: this is not a Kubernetes object: it has no kind",
            ),
        ] {
            assert_eq!(told(text), [problem], "{text}");
        }
        assert!(told("a: [\n")[0].starts_with("f: line "));
    }
}
