//! Inputs that nobody means.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::{Disk as _, Files, Modules, Resolved, is_configuration};
use super::tree::check;
use crate::syntax::Language;

#[test]
fn absurd_specifiers_name_nothing() {
    let long = "a/".repeat(10_000);
    let deep = "../".repeat(1000);
    check(
        "
        /repo/a.ts
        /repo/a.py",
        &[
            ("x.ts", "", "missing"),
            ("x.ts", &long, "missing"),
            ("x.ts", &deep, "missing"),
            ("x.ts", "./a\0.ts", "missing"),
            ("x.ts", "@", "package"),
            ("x.ts", "@/", "missing"),
            ("x.ts", "#", "missing"),
            ("x.ts", "...", "package"),
            ("x.ts", "\u{1f600}", "package"),
            ("x.ts", "./\u{1f600}", "missing"),
            ("x.py", "", "missing"),
            ("x.py", "a..b", "missing"),
            ("x.py", "a.", "missing"),
            ("x.py", "a/b", "missing"),
            ("x.py", &".".repeat(4000), "missing"),
            ("x.py", &long, "missing"),
        ],
    );
}

#[test]
fn a_file_without_a_folder_imports_nothing() {
    let modules = Modules::new(vec![PathBuf::from("/")], Arc::new(Files::default()));
    for language in [Language::TypeScript, Language::Python] {
        for from in ["", "/"] {
            modules.resolve(Path::new(from), language, "./a");
            assert_eq!(modules.resolve(Path::new(from), language, ".."), Resolved::Missing);
        }
    }
}

#[test]
fn packages_that_link_in_circles_end() {
    check(
        "
        /repo/node_modules/a -> /repo/node_modules/b
        /repo/node_modules/b -> /repo/node_modules/a
        /repo/x.ts",
        &[("x.ts", "a", "package"), ("x.ts", "./node_modules/a/b", "missing")],
    );
}

#[test]
fn configuration_is_known_by_its_name() {
    for name in ["package.json", "tsconfig.json", "tsconfig.app.json", "jsconfig.json", "pnpm-workspace.yaml"]
    {
        assert!(is_configuration(&Path::new("/repo/a").join(name)), "{name}");
    }
    for name in ["package.jsonc", "tsconfig.ts", "a.ts", "mytsconfig.json"] {
        assert!(!is_configuration(&Path::new("/repo/a").join(name)), "{name}");
    }
}

#[test]
#[cfg(unix)]
fn the_real_disk_survives_loops_and_tells_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("package.json", r#"{"workspaces": ["packages/*"]}"#);
    write("packages/ui/package.json", r#"{"name": "@acme/ui", "main": "dist/index.js"}"#);
    write("packages/ui/src/index.ts", "");
    write(".gitignore", "ignored/\n");
    write("ignored/lib/package.json", r#"{"name": "lib"}"#);
    write("ignored/lib/index.ts", "");
    write("tsconfig.json", r#"{"extends": "./config/base.json"}"#);
    write("config/base.json", "{}");
    std::os::unix::fs::symlink(&root, root.join("packages/ui/loop")).unwrap();
    std::os::unix::fs::symlink("self", root.join("self")).unwrap();
    let disk = Arc::new(Files::default());
    let modules = Modules::new(vec![root.clone()], disk.clone());
    let resolve = |specifier| modules.resolve(&root.join("x.ts"), Language::TypeScript, specifier);
    let file = |path: &str| Resolved::File { path: root.join(path).into(), installed: false };

    assert_eq!(resolve("@acme/ui"), file("packages/ui/src/index.ts"));
    assert_eq!(resolve("lib"), Resolved::Package);
    assert_eq!(resolve("./self/a"), Resolved::Missing);
    assert_eq!(resolve("./packages/ui/loop/a"), Resolved::Missing);
    assert!(modules.depends_on(&root.join("config/base.json")) && !modules.depends_on(&root.join("x.ts")));

    assert_eq!(resolve("./new/a"), Resolved::Missing);
    write("new/a.ts", "");
    disk.forget(&root.join("new/a.ts"));
    assert_eq!(resolve("./new/a"), file("new/a.ts"));
}

#[test]
fn huge_configurations_stay_small() {
    let stars = "*".repeat(1 << 20);
    let nested = "[".repeat(100_000);
    let many = vec![r#""./gone.js""#; 10_000].join(",");
    check(
        &format!(
            r#"
        /repo/a/package.json {{"name": "a", "exports": {{"./*": "./{stars}", ".": [{many}]}}}}
        /repo/a/index.ts
        /repo/b/package.json {{"name": "b", "exports": {nested}}}
        /repo/b/index.ts
        /repo/tsconfig.json {{"extends": {nested}}}"#
        ),
        &[
            ("x.ts", "a", "a/index.ts"),
            ("x.ts", &format!("a/{}", "b".repeat(2000)), "missing"),
            ("x.ts", "b", "package"),
        ],
    );
}
