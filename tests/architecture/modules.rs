//! The modules of each crate, and the circles in which they import each other.

use crate::tidy::syntax::{Lines, attributes, is_of_tests};
use crate::tidy::{Source, sources};
use std::collections::{BTreeMap, BTreeSet};
use syn::Item;
use syn::spanned::Spanned;

/// Circles that are still there: a crate, and all that may be in one circle. It can only shrink.
const KNOTS: &[(&str, &str)] = &[];

/// Modules that import each other.
struct Circle {
    /// Their crate.
    of: String,
    modules: BTreeSet<String>,
    /// The imports among them, such as `a -> b`.
    imports: Vec<String>,
}

/// The path of a module in its crate, without `crate`.
type Path = Vec<String>;
/// Who imports whom.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// The modules of a crate that are built without tests too.
#[derive(Default)]
pub(super) struct Modules<'a> {
    /// Each with its file.
    files: BTreeMap<Path, &'a Source>,
    /// Modules within a file, outer ones first: the file's own path, the lines, the path.
    inner: Vec<(Path, Lines, Path)>,
}

impl<'a> Modules<'a> {
    /// Those below the file `root`, such as `src/lib.rs`.
    pub(super) fn new(all: &'a [Source], root: &'a Source) -> Self {
        let mut modules = Self::default();
        let folder = root.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        modules.file(all, root, &Path::new(), folder);
        modules
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &'a Source> {
        self.files.values().copied()
    }

    fn file(&mut self, all: &'a [Source], source: &'a Source, path: &Path, folder: &str) {
        let file = syn::parse_file(&source.text).unwrap_or_else(|e| panic!("{}: {e}", source.path));
        self.files.insert(path.clone(), source);
        self.items(all, &file.items, path, folder);
    }

    fn items(&mut self, all: &'a [Source], items: &[Item], path: &Path, folder: &str) {
        let file = self.file_of(path).clone();
        for item in items.iter().filter(|item| !attributes(item).iter().any(is_of_tests)) {
            let Item::Mod(module) = item else { continue };
            let path = [&**path, &[module.ident.to_string()]].concat();
            let folder = format!("{folder}/{}", module.ident);
            if let Some((_, items)) = &module.content {
                let lines = module.span().start().line..=module.span().end().line;
                self.inner.push((file.clone(), lines, path.clone()));
                self.items(all, items, &path, &folder);
                continue;
            }
            let places = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
            let source = all.iter().find(|source| places.contains(&source.path));
            let source = source.unwrap_or_else(|| panic!("a file of {places:?}"));
            self.file(all, source, &path, &folder);
        }
    }

    /// The module of its own file that `path` is or lies in.
    fn file_of(&self, path: &[String]) -> &Path {
        let lengths = (0..=path.len()).rev();
        let mut known = lengths.filter_map(|length| self.files.get_key_value(&path[..length]));
        known.next().map(|(path, _)| path).expect("the root is a file")
    }

    /// The module of a file that is meant by `name`, which stands in the module `scope`. None for
    /// another crate's, and for what came into scope by an import: that names the module itself.
    fn target(&self, scope: &[String], name: &[String]) -> Option<&Path> {
        let child = || [scope, &name[..1]].concat();
        let full = match name[0].as_str() {
            "crate" => name[1..].to_vec(),
            "self" => [scope, &name[1..]].concat(),
            "super" => {
                let up = name.iter().take_while(|word| *word == "super").count();
                [&scope[..scope.len().checked_sub(up)?], &name[up..]].concat()
            }
            _ if self.files.contains_key(&child()) => [scope, name].concat(),
            _ => return None,
        };
        Some(self.file_of(&full))
    }

    /// Who imports whom; a declaration `mod a;` imports nothing.
    fn imports(&self) -> BTreeMap<&Path, BTreeSet<&Path>> {
        let mut imports = BTreeMap::new();
        for (path, source) in &self.files {
            let of_file = self.inner.iter().filter(|(file, ..)| file == path);
            let scopes: Vec<_> = of_file.map(|(_, lines, inner)| (lines, inner)).collect();
            let syntax = source.syntax();
            let names = syntax.names.iter().filter(|name| name.path.len() > 1);
            let targets = names.filter(|name| syntax.is_shipped(name.line)).filter_map(|name| {
                let scope = scopes.iter().rev().find(|(lines, _)| lines.contains(&name.line));
                self.target(scope.map_or(path, |(_, inner)| inner), &name.path)
            });
            imports.insert(path, targets.filter(|target| *target != path).collect());
        }
        imports
    }

    /// The circles of modules, and those of top-level modules with all that is below them.
    fn circles(&self, of: &str) -> Vec<Circle> {
        let top = |path: &Path| path.first().map_or("lib", |name| name).to_owned();
        let whole = |path: &Path| if path.is_empty() { top(path) } else { path.join("::") };
        let (mut fine, mut coarse) = (Imports::new(), Imports::new());
        for (from, all) in self.imports() {
            for to in all {
                fine.entry(whole(from)).or_default().insert(whole(to));
                if top(from) != top(to) {
                    coarse.entry(top(from)).or_default().insert(top(to));
                }
            }
        }
        let all = circles(&fine).union(&circles(&coarse)).cloned().collect::<BTreeSet<_>>();
        let circle = |modules: BTreeSet<String>| {
            let imports = imports_among(&fine, &modules);
            Circle { of: of.to_owned(), modules, imports }
        };
        all.into_iter().map(circle).collect()
    }
}

/// The groups in which each member can be reached from each.
fn circles(imports: &Imports) -> BTreeSet<BTreeSet<String>> {
    let reach: Imports =
        imports.keys().map(|from| (from.clone(), reached(imports, from))).collect();
    let circle = |(from, all): (&String, &BTreeSet<String>)| {
        let is_mutual = |to: &&String| reach.get(*to).is_some_and(|back| back.contains(from));
        all.iter().filter(is_mutual).cloned().collect()
    };
    reach.iter().map(circle).filter(|circle: &BTreeSet<_>| !circle.is_empty()).collect()
}

/// The imports that lead from one of `modules`, or what is below it, to another.
fn imports_among(imports: &Imports, modules: &BTreeSet<String>) -> Vec<String> {
    let member = |module: &str| -> Option<&String> {
        let is_in = |member: &&String| {
            let rest = module.strip_prefix(member.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        modules.iter().filter(is_in).max_by_key(|member| member.len())
    };
    let all = imports.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to)));
    let among = all.filter(|(from, to)| {
        let ends = [member(from), member(to)];
        !ends.contains(&None) && ends[0] != ends[1]
    });
    among.map(|(from, to)| format!("{from} -> {to}")).collect()
}

/// All that can be reached from `from`; itself only in a circle.
fn reached(imports: &Imports, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        for next in imports.get(module).into_iter().flatten() {
            if found.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    found
}

/// The circles that `knots` does not have, and its rows that no circle needs any more.
fn wrong(found: &[Circle], knots: &[(&str, &str)]) -> Vec<String> {
    let covers = |knot: &(&str, &str), circle: &Circle| {
        let is_in = |module: &String| knot.1.split(' ').any(|known| known == module);
        circle.of == knot.0 && circle.modules.iter().all(is_in)
    };
    let new = found.iter().filter(|circle| !knots.iter().any(|knot| covers(knot, circle)));
    let new = new.map(|new| format!("{}: a circle: {}", new.of, new.imports.join(", ")));
    let gone = knots.iter().filter(|knot| !found.iter().any(|circle| covers(knot, circle)));
    let gone = gone.map(|(of, knot)| format!("{of}: {knot} is a circle no more: strike it out"));
    new.chain(gone).collect()
}

#[test]
fn no_modules_import_each_other() {
    planted_circles_are_found();
    let Some(sources) = sources() else { return };
    let mut found = Vec::new();
    for root in sources {
        let parts: Vec<&str> = root.path.split('/').collect();
        if let ["harness", of, "src", "lib.rs"] = parts[..]
            && of != "peers"
        {
            found.extend(Modules::new(sources, root).circles(of));
        }
    }
    assert_eq!(wrong(&found, KNOTS), [""; 0], "move what both need to where both may look");
}

fn planted_circles_are_found() {
    let circles = |files: &[(&str, &str)]| -> Vec<String> {
        let file = |(name, text): &(&str, &str)| Source::new(&format!("src/{name}"), text, false);
        let sources: Vec<Source> = files.iter().map(file).collect();
        let circles = Modules::new(&sources, &sources[0]).circles("model");
        circles.iter().map(|circle| circle.imports.join(", ")).collect()
    };
    let root = ("lib.rs", "mod a;\nmod b { mod c; }\n");
    assert_eq!(circles(&[root, ("a.rs", "use crate::b::c::D;\n"), ("b/c.rs", "")]), [""; 0]);
    let back = ("b/c.rs", "m!(super::super::a::D);\n");
    assert_eq!(
        circles(&[root, ("a.rs", "use crate::b::c::D;\n"), back]),
        ["a -> b::c, b::c -> a"; 2]
    );
    let tests = ("b/c.rs", "#[cfg(test)]\nmod tests {\n    use crate::a::D;\n}\n");
    assert_eq!(circles(&[root, ("a.rs", "use crate::b::c::D;\n"), tests]), [""; 0]);
    let parent = [("lib.rs", "mod a;\n"), ("a/mod.rs", "mod b;\npub use b::C;\n")];
    let child = ("a/b.rs", "use super::D;\n");
    assert_eq!(circles(&[parent[0], parent[1], child]), ["a -> a::b, a::b -> a"]);
    let modules = BTreeSet::from(["a", "b"].map(str::to_owned));
    let found = [Circle { of: "model".to_owned(), modules, imports: vec!["a -> b".to_owned()] }];
    assert_eq!(wrong(&found, &[("model", "a b c")]), [""; 0]);
    assert_eq!(wrong(&found, &[("report", "a b")]).len(), 2, "a circle more, a row too many");
}
