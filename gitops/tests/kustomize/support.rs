//! Cases: files of a repository in one text, and the kustomize programs that there are.

use serde_json::Value;
use serin_gitops::files::{Folder, Place};
use serin_gitops::kustomize::{BuildError, Built, Graph, Options, Program, build};
use serin_gitops::yaml::FieldPath;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A repository on disk, which goes when it is dropped.
pub(crate) struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    /// The files of a text: `-- path --` in a line of its own begins one. What stands before the first is a comment.
    pub(crate) fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Self { folder };
        let mut file: Option<(String, String)> = None;
        for line in text.split_inclusive('\n') {
            let name = line
                .trim_end()
                .strip_prefix("-- ")
                .and_then(|rest| rest.strip_suffix(" --"));
            if let Some(name) = name {
                repository.write_parsed(file.take());
                file = Some((name.to_owned(), String::new()));
            } else if let Some((_, content)) = &mut file {
                content.push_str(line);
            }
        }
        repository.write_parsed(file);
        repository
    }

    /// The case of that name in `gitops/tests/cases`.
    pub(crate) fn case(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/cases")
            .join(format!("{name}.txt"));
        Self::of(&std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    fn write_parsed(&self, file: Option<(String, String)>) {
        if let Some((name, content)) = file {
            self.write(&name, &content);
        }
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Changes a file, or adds text to it.
    pub(crate) fn replace(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} has no {from:?}");
        self.write(name, &text.replace(from, to));
    }

    pub(crate) fn graph(&self, overlay: &str) -> Result<Graph, BuildError> {
        Graph::read(&Folder::new(self.root()).unwrap(), Path::new(overlay))
    }

    pub(crate) fn try_build(&self, overlay: &str, program: &Program) -> Result<Output, BuildError> {
        let graph = Arc::new(self.graph(overlay)?);
        build(&graph, program, &Options::default()).map(|built| Output { built })
    }

    pub(crate) fn build(&self, overlay: &str, program: &Program) -> Output {
        self.try_build(overlay, program)
            .unwrap_or_else(|error| panic!("{program}: {error}"))
    }

    /// The text of the line that a place names.
    pub(crate) fn line(&self, place: &Place) -> String {
        let text = self.read(&place.file.to_string_lossy());
        text.lines().nth(place.line - 1).unwrap_or_default().trim().to_owned()
    }
}

/// A build that worked.
pub(crate) struct Output {
    pub(crate) built: Built,
}

impl Output {
    /// The number of an object, by its kind and its name, or, for the only one of a kind, by the kind.
    pub(crate) fn index(&self, object: &str) -> usize {
        let (kind, name) = object
            .split_once('/')
            .map_or((object, None), |(kind, name)| (kind, Some(name)));
        let fits = |value: &Value| value["kind"] == kind && name.is_none_or(|name| value["metadata"]["name"] == name);
        let found: Vec<_> = (0..self.built.objects.len())
            .filter(|at| fits(&self.built.objects[*at].value))
            .collect();
        assert_eq!(found.len(), 1, "{object} in {:?}", self.names());
        found[0]
    }

    pub(crate) fn value(&self, object: &str) -> &Value {
        &self.built.objects[self.index(object)].value
    }

    /// A field, null where it is not there.
    pub(crate) fn field(&self, object: &str, path: &str) -> Value {
        let value = self.value(object);
        FieldPath::within(path, value).of(value).cloned().unwrap_or_default()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = |value: &Value| format!("{}/{}", text(&value["kind"]), text(&value["metadata"]["name"]));
        self.built.objects.iter().map(|object| name(&object.value)).collect()
    }

    pub(crate) fn place(&self, object: &str, path: &str) -> Place {
        let found = self.built.place_of(self.index(object), path);
        found.unwrap_or_else(|| panic!("{object} {path} has no place"))
    }

    /// The file and the text of the line that a field leads to.
    pub(crate) fn line(&self, repository: &Repository, object: &str, path: &str) -> (String, String) {
        let place = self.place(object, path);
        (place.file.to_string_lossy().into_owned(), repository.line(&place))
    }

    /// For each patch, in the order of layers, the objects that it touched.
    pub(crate) fn touched(&self) -> Vec<Vec<String>> {
        let names = self.names();
        let objects =
            |reach: serin_gitops::kustomize::Reach| reach.objects.iter().map(|at| names[*at].clone()).collect();
        self.built.reaches().into_iter().map(objects).collect()
    }
}

/// All programs: those of the folder that `SERIN_KUSTOMIZE` names, or the kustomize on PATH; and the kubectl on PATH.
pub(crate) fn programs() -> Vec<PathBuf> {
    let mut programs = Vec::new();
    if let Some(folder) = std::env::var_os("SERIN_KUSTOMIZE") {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("SERIN_KUSTOMIZE: {error}"));
        let paths = entries.map(|entry| entry.unwrap().path());
        programs.extend(paths.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("kustomize-")));
        assert!(
            !programs.is_empty(),
            "SERIN_KUSTOMIZE={} has no kustomize-VERSION",
            Path::new(&folder).display()
        );
    }
    let on_path = |name: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|file| file.is_file())
    };
    if programs.is_empty() {
        programs.extend(on_path("kustomize"));
    }
    programs.extend(on_path("kubectl"));
    programs.sort();
    programs
}
