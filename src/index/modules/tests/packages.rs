use super::tree::{check, check_roots};

#[test]
fn every_kind_of_workspace_declares_packages() {
    for (file, text) in [
        ("package.json", r#"{"workspaces": ["packages/*", "!packages/old"]}"#),
        ("package.json", r#"{"workspaces": {"packages": ["packages/**"]}}"#),
        ("pnpm-workspace.yaml", "\n          packages:\n            - 'packages/*'"),
        ("lerna.json", r#"{"packages": ["packages/*"]}"#),
    ] {
        check(
            &format!(
                r#"
        /repo/package.json {{}}
        /repo/{file} {text}
        /repo/packages/web/package.json {{"name": "web"}}
        /repo/packages/web/playground/package.json {{"name": "playground-ui", "private": true}}
        /repo/packages/ui/package.json {{"name": "@acme/ui"}}
        /repo/packages/ui/index.ts
        /repo/other/a/ui/package.json {{"name": "@acme/ui"}}
        /repo/other/a/ui/index.ts"#
            ),
            &[
                ("packages/web/x.ts", "@acme/ui", "packages/ui/index.ts"),
                ("other/a/x.ts", "@acme/gone", "package"),
            ],
        );
    }
}

#[test]
fn a_fellow_of_the_workspace_goes_before_a_nearer_package() {
    check(
        r#"
        /repo/package.json {"workspaces": ["packages/*"]}
        /repo/packages/ui/package.json {"name": "ui"}
        /repo/packages/ui/index.ts
        /repo/packages/web/package.json {"name": "web"}
        /repo/packages/web/demo/ui/package.json {"name": "ui"}
        /repo/packages/web/demo/ui/index.ts
        /repo/packages/web/demo/package.json {"name": "demo"}"#,
        &[
            ("packages/web/x.ts", "ui", "packages/ui/index.ts"),
            ("packages/web/demo/x.ts", "ui", "packages/web/demo/ui/index.ts"),
        ],
    );
}

#[test]
fn any_named_package_counts_and_the_nearest_wins() {
    check(
        r#"
        /repo/a/lib/package.json {"name": "lib"}
        /repo/a/lib/index.ts
        /repo/b/lib/package.json {"name": "lib"}
        /repo/b/lib/index.ts
        /repo/b/web/package.json {"name": "web"}
        /repo/b/web/index.ts"#,
        &[
            ("a/x.ts", "lib", "a/lib/index.ts"),
            ("b/web/x.ts", "lib", "b/lib/index.ts"),
            ("b/web/x.ts", "web", "b/web/index.ts"),
            ("a/x.ts", "web", "b/web/index.ts"),
        ],
    );
}

#[test]
fn a_fixture_that_is_called_like_a_package_is_not_meant() {
    check(
        r#"
        /repo/test/fixtures/react/package.json {"name": "react"}
        /repo/test/fixtures/react/index.js
        /repo/test/fixtures/app/x.js"#,
        &[
            ("src/x.ts", "react", "package"),
            ("test/fixtures/app/x.js", "react", "test/fixtures/react/index.js"),
        ],
    );
}

#[test]
fn roots_know_each_other() {
    check_roots(
        &["/repo/web", "/repo/libs/ui"],
        r#"
        /repo/web/package.json {"name": "web"}
        /repo/libs/ui/package.json {"name": "@acme/ui", "main": "dist/index.js"}
        /repo/libs/ui/src/index.ts
        /repo/libs/other/package.json {"name": "@acme/other"}
        /repo/libs/other/index.ts"#,
        &[("web/x.ts", "@acme/ui", "libs/ui/src/index.ts"), ("web/x.ts", "@acme/other", "package")],
    );
}

#[test]
fn fields_name_the_entry_without_exports() {
    check(
        r#"
        /repo/a/package.json {"name": "a", "source": "code/a.ts", "main": "code/b.js"}
        /repo/a/code/a.ts
        /repo/a/code/b.js
        /repo/b/package.json {"name": "b", "module": "code/m.js", "main": "code/b.js"}
        /repo/b/code/m.js
        /repo/b/code/b.js
        /repo/c/package.json {"name": "c", "types": "types.d.ts", "main": "code"}
        /repo/c/types.d.ts
        /repo/c/code/index.js
        /repo/d/package.json {"name": "d", "main": "gone/x.js"}
        /repo/d/src/index.tsx
        /repo/e/package.json {"name": "e", "types": "types.d.ts"}
        /repo/e/types.d.ts
        /repo/f/package.json {"name": "f"}"#,
        &[
            ("x.ts", "a", "a/code/a.ts"),
            ("x.ts", "b", "b/code/m.js"),
            ("x.ts", "c", "c/code/index.js"),
            ("x.ts", "d", "d/src/index.tsx"),
            ("x.ts", "e", "e/types.d.ts"),
            ("x.ts", "f", "missing"),
        ],
    );
}

#[test]
fn builds_that_are_not_there_are_led_back_to_their_source() {
    check(
        r#"
        /repo/a/package.json {"name": "a", "main": "dist/index.js", "types": "dist/index.d.ts"}
        /repo/a/src/index.ts
        /repo/b/package.json {"name": "b", "exports": {".": "./build/esm/main.mjs", "./*": "./build/esm/*.mjs"}}
        /repo/b/src/main.tsx
        /repo/b/src/deep/x.ts
        /repo/c/package.json {"name": "c", "main": "lib/client/index.cjs.js"}
        /repo/c/client/index.ts
        /repo/d/package.json {"name": "d", "main": "./out/d.js"}
        /repo/d/src/index.ts
        /repo/e/package.json {"name": "e", "types": "./dist/types/e.d.ts"}
        /repo/e/src/e.ts
        /repo/f/package.json {"name": "f", "main": "./lib/index.js"}
        /repo/f/lib/index.ts
        /repo/f/src/index.ts"#,
        &[
            ("x.ts", "a", "a/src/index.ts"),
            ("x.ts", "b", "b/src/main.tsx"),
            ("x.ts", "b/deep/x", "b/src/deep/x.ts"),
            ("x.ts", "c", "c/client/index.ts"),
            ("x.ts", "d", "d/src/index.ts"),
            ("x.ts", "e", "e/src/e.ts"),
            ("x.ts", "f", "f/lib/index.ts"),
            ("x.ts", "a/dist/index", "a/src/index.ts"),
        ],
    );
}

#[test]
fn sources_go_before_builds_that_are_there() {
    check(
        r#"
        /repo/a/package.json {"name": "a", "main": "dist/index.js"}
        /repo/a/dist/index.js
        /repo/a/src/index.ts
        /repo/b/package.json {"name": "b", "main": "dist/index.js"}
        /repo/b/dist/index.js"#,
        &[("x.ts", "a", "a/src/index.ts"), ("x.ts", "b", "b/dist/index.js")],
    );
}

#[test]
fn exports_are_tried_until_a_file_is_there() {
    check(
        r#"
        /repo/a/package.json
          {"name": "a", "exports": {
            ".": {"types": "./t.d.ts", "import": {"node": "./node.js", "default": "./gone.js"}, "require": "./main.cjs"},
            "./one": {"default": "./code/default.js", "development": "./code/dev.js", "@acme/source": "./code/one.ts"},
            "./list": ["./code/gone.js", "./code/list.js"],
            "./*": "./code/star/*.js",
            "./icons/*": {"default": "./code/icons/*/index.js"},
            "./internal/*": null
          }}
        /repo/a/t.d.ts
        /repo/a/node.js
        /repo/a/main.cjs
        /repo/a/code/default.js
        /repo/a/code/dev.js
        /repo/a/code/one.ts
        /repo/a/code/list.js
        /repo/a/code/star/x.ts
        /repo/a/code/icons/y/index.ts
        /repo/a/internal/z.ts
        /repo/a/code/star/internal/z.ts
        /repo/a/plain/p.ts
        /repo/b/package.json {"name": "b", "exports": "./code.js"}
        /repo/b/code.ts
        /repo/c/package.json {"name": "c", "exports": {"import": "../outside.js"}}
        /repo/outside.js"#,
        &[
            ("x.ts", "a", "a/node.js"),
            ("x.ts", "a/one", "a/code/one.ts"),
            ("x.ts", "a/list", "a/code/list.js"),
            ("x.ts", "a/x", "a/code/star/x.ts"),
            ("x.ts", "a/icons/y", "a/code/icons/y/index.ts"),
            ("x.ts", "a/internal/z", "missing"),
            ("x.ts", "a/plain/p", "a/plain/p.ts"),
            ("x.ts", "a/gone", "missing"),
            ("x.ts", "b", "b/code.ts"),
            ("x.ts", "c", "missing"),
        ],
    );
}

#[test]
fn subpaths_without_exports_are_paths() {
    check(
        r#"
        /repo/a/package.json {"name": "@acme/a"}
        /repo/a/foo/bar.ts
        /repo/a/src/foo/baz.tsx
        /repo/a/src/hooks/index.ts"#,
        &[
            ("x.ts", "@acme/a/foo/bar", "a/foo/bar.ts"),
            ("x.ts", "@acme/a/foo/baz", "a/src/foo/baz.tsx"),
            ("x.ts", "@acme/a/hooks", "a/src/hooks/index.ts"),
            ("x.ts", "@acme/a/foo/gone", "missing"),
            ("x.ts", "@acme/a/../x", "missing"),
        ],
    );
}

#[test]
fn installed_packages_are_read_where_they_ship_sources() {
    check(
        r#"
        /repo/node_modules/a/package.json {"name": "a", "main": "dist/index.js", "types": "dist/index.d.ts"}
        /repo/node_modules/a/dist/index.js
        /repo/node_modules/a/dist/index.d.ts
        /repo/node_modules/a/dist/other.js
        /repo/node_modules/a/react/package.json {"main": "../dist/other.js"}
        /repo/node_modules/a/src/index.ts
        /repo/node_modules/@types/b/index.d.ts
        /repo/node_modules/@types/b/package.json {"name": "@types/b", "types": "index.d.ts"}
        /repo/node_modules/c/package.json {"name": "c", "types": "c.d.ts"}
        /repo/node_modules/c/c.d.ts
        /repo/node_modules/@s/d/index.js
        /repo/web/node_modules/a/index.js"#,
        &[
            ("src/x.ts", "a", "installed node_modules/a/dist/index.js"),
            ("web/src/x.ts", "a", "installed web/node_modules/a/index.js"),
            ("src/x.ts", "b", "package"),
            ("src/x.ts", "c", "package"),
            ("src/x.ts", "@s/d", "installed node_modules/@s/d/index.js"),
            ("src/x.ts", "@s/e", "package"),
            ("src/x.ts", "a/gone", "package"),
            ("node_modules/a/dist/index.js", "./other", "installed node_modules/a/dist/other.js"),
            ("node_modules/a/dist/index.js", "@s/d", "installed node_modules/@s/d/index.js"),
            ("src/x.ts", "../node_modules/@s/d", "installed node_modules/@s/d/index.js"),
        ],
    );
}

#[test]
fn links_lead_to_what_they_are_made_for() {
    check(
        r#"
        /repo/node_modules/.pnpm/a@1.0.0/node_modules/a/index.js
        /repo/node_modules/.pnpm/a@1.0.0/node_modules/b -> /repo/node_modules/.pnpm/b@2.0.0/node_modules/b
        /repo/node_modules/.pnpm/b@2.0.0/node_modules/b/index.js
        /repo/node_modules/a -> /repo/node_modules/.pnpm/a@1.0.0/node_modules/a
        /repo/node_modules/alias -> /repo/packages/ui
        /repo/node_modules/out -> /elsewhere/out
        /elsewhere/out/package.json {"name": "out"}
        /elsewhere/out/index.ts
        /elsewhere/out/more.ts
        /elsewhere/secret.ts
        /repo/packages/ui/package.json {"name": "@acme/ui"}
        /repo/packages/ui/index.ts"#,
        &[
            ("x.ts", "a", "installed node_modules/.pnpm/a@1.0.0/node_modules/a/index.js"),
            (
                "node_modules/.pnpm/a@1.0.0/node_modules/a/index.js",
                "b",
                "installed node_modules/.pnpm/b@2.0.0/node_modules/b/index.js",
            ),
            ("x.ts", "b", "package"),
            ("x.ts", "alias", "packages/ui/index.ts"),
            ("x.ts", "out", "installed /elsewhere/out/index.ts"),
            ("/elsewhere/out/index.ts", "./more", "installed /elsewhere/out/more.ts"),
            ("/elsewhere/out/index.ts", "../secret", "missing"),
        ],
    );
}

#[test]
fn a_package_that_is_installed_goes_before_a_stranger_of_its_name() {
    check(
        r#"
        /repo/package.json {"workspaces": ["packages/*"]}
        /repo/examples/react/package.json {"name": "react"}
        /repo/examples/react/index.js
        /repo/node_modules/react/index.js
        /repo/packages/ui/package.json {"name": "ui"}
        /repo/packages/ui/index.ts
        /repo/node_modules/ui/index.js"#,
        &[("x.ts", "react", "installed node_modules/react/index.js"), ("x.ts", "ui", "packages/ui/index.ts")],
    );
}

#[test]
fn a_root_behind_a_link_keeps_its_path() {
    check_roots(
        &["/link"],
        r#"
        /link -> /repo
        /repo/node_modules/@acme/ui -> /repo/packages/ui
        /repo/packages/ui/package.json {"name": "other"}
        /repo/packages/ui/index.ts"#,
        &[("/link/x.ts", "@acme/ui", "/link/packages/ui/index.ts")],
    );
}

#[test]
fn a_version_of_the_registry_is_not_a_package_of_the_workspace() {
    check(
        r#"
        /repo/package.json {"name": "acme", "version": "3.1.0", "workspaces": ["apps/*"]}
        /repo/index.ts
        /repo/apps/storybook/package.json {"name": "storybook", "version": "0.0.0"}
        /repo/apps/storybook/index.ts
        /repo/apps/ui/package.json {"name": "ui", "version": "1.2.0"}
        /repo/apps/ui/index.ts
        /repo/apps/web/package.json
          {"dependencies": {"acme": "^2.0.0", "ui": "^1.0.0"}, "devDependencies": {"storybook": "catalog:"}}
        /repo/apps/api/package.json {"dependencies": {"acme": "*", "storybook": "workspace:^"}}"#,
        &[
            ("apps/web/x.ts", "acme", "package"),
            ("apps/web/x.ts", "ui", "apps/ui/index.ts"),
            ("apps/web/x.ts", "storybook", "package"),
            ("apps/api/x.ts", "acme", "index.ts"),
            ("apps/api/x.ts", "storybook", "apps/storybook/index.ts"),
            ("apps/api/x.ts", "ui", "apps/ui/index.ts"),
        ],
    );
}

#[test]
fn a_peer_may_be_any_version_of_the_workspace() {
    check(
        r#"
        /repo/package.json {"workspaces": ["packages/*"]}
        /repo/packages/web/package.json {"name": "web", "peerDependencies": {"@acme/ui": ">=1"}}
        /repo/packages/ui/package.json {"name": "@acme/ui", "version": "3.0.0"}
        /repo/packages/ui/index.ts"#,
        &[("packages/web/x.ts", "@acme/ui", "packages/ui/index.ts")],
    );
}
