use super::tree::{check, check_roots};

#[test]
fn extensions_are_found_in_the_order_of_typescript() {
    check(
        "
        /repo/a.ts
        /repo/a.js
        /repo/b.tsx
        /repo/b.d.ts
        /repo/c.js
        /repo/c.d.ts
        /repo/d.d.ts
        /repo/e.jsx
        /repo/f.mts
        /repo/g.cts
        /repo/h.mjs
        /repo/i.cjs
        /repo/user.service.ts
        /repo/j.vue",
        &[
            ("x.ts", "./a", "a.ts"),
            ("x.ts", "./b", "b.tsx"),
            ("x.ts", "./c", "c.js"),
            ("x.ts", "./d", "d.d.ts"),
            ("x.js", "./e", "e.jsx"),
            ("x.ts", "./f", "f.mts"),
            ("x.ts", "./g", "g.cts"),
            ("x.ts", "./h", "h.mjs"),
            ("x.ts", "./i", "i.cjs"),
            ("x.ts", "./user.service", "user.service.ts"),
            ("x.ts", "./j.vue", "missing"),
            ("x.ts", "./nothing", "missing"),
        ],
    );
}

#[test]
fn the_extension_after_compilation_means_the_source() {
    check(
        "
        /repo/a.ts
        /repo/b.tsx
        /repo/c.js
        /repo/d.mts
        /repo/e.cts
        /repo/f.tsx
        /repo/g.ts
        /repo/g.js
        /repo/h.d.ts
        /repo/i.js.ts",
        &[
            ("x.ts", "./a.js", "a.ts"),
            ("x.ts", "./b.js", "b.tsx"),
            ("x.ts", "./c.js", "c.js"),
            ("x.ts", "./d.mjs", "d.mts"),
            ("x.ts", "./e.cjs", "e.cts"),
            ("x.ts", "./f.jsx", "f.tsx"),
            ("x.ts", "./g.js", "g.ts"),
            ("x.ts", "./g.ts", "g.ts"),
            ("x.ts", "./h.js", "h.d.ts"),
            ("x.ts", "./i.js", "i.js.ts"),
        ],
    );
}

#[test]
fn a_folder_stands_for_its_index_or_what_its_manifest_says() {
    check(
        r#"
        /repo/src.ts
        /repo/index.ts
        /repo/src/index.ts
        /repo/src/a/index.tsx
        /repo/src/b.ts
        /repo/src/b/index.ts
        /repo/src/c/package.json {"main": "./lib/start.js"}
        /repo/src/c/lib/start.js
        /repo/src/d/package.json {"main": "."}
        /repo/src/d/index.mjs
        /repo/src/e/package.json {"type": "module"}
        /repo/src/e/index.js
        /repo/src/f/package.json {"main": "gone.js"}
        /repo/src/f/index.ts
        /repo/src/g/x.ts"#,
        &[
            ("src/x.ts", "./a", "src/a/index.tsx"),
            ("src/x.ts", "./b", "src/b.ts"),
            ("src/x.ts", "./b/", "src/b/index.ts"),
            ("src/x.ts", "./c", "src/c/lib/start.js"),
            ("src/x.ts", "./d", "src/d/index.mjs"),
            ("src/x.ts", "./e", "src/e/index.js"),
            ("src/x.ts", "./f", "src/f/index.ts"),
            ("src/x.ts", "./g", "missing"),
            ("src/x.ts", ".", "src/index.ts"),
            ("src/x.ts", "./", "src/index.ts"),
            ("src/x.ts", "..", "index.ts"),
            ("src/a/x.ts", "..", "src/index.ts"),
            ("src/a/x.ts", "../../src/a", "src/a/index.tsx"),
        ],
    );
}

#[test]
fn what_is_no_module_is_told_apart() {
    check(
        "
        /repo/a.css
        /repo/a.svg
        /repo/a.json
        /repo/a.ts",
        &[
            ("x.ts", "./a.css", "missing"),
            ("x.ts", "./a.svg", "missing"),
            ("x.ts", "./a.json", "missing"),
            ("x.ts", "./a.ts?raw", "missing"),
            ("x.ts", "node:fs", "package"),
            ("x.ts", "fs", "package"),
            ("x.ts", "virtual:icons/a", "package"),
            ("x.ts", "https://esm.sh/react", "package"),
            ("x.ts", "npm:posthog-node@4", "package"),
            ("x.ts", "$app/navigation", "package"),
        ],
    );
}

#[test]
fn conventional_aliases_count_when_nothing_else_resolves() {
    check(
        r#"
        /repo/package.json {"name": "root"}
        /repo/apps/web/package.json {"name": "web"}
        /repo/apps/web/src/flags.ts
        /repo/apps/web/src/lib/store.ts
        /repo/apps/web/src/lib/index.ts
        /repo/apps/web/server/db.ts
        /repo/apps/web/src/deep/package.json {"type": "module"}
        /repo/shared.ts"#,
        &[
            ("apps/web/src/x.ts", "@/flags", "apps/web/src/flags.ts"),
            ("apps/web/src/x.ts", "~/flags", "apps/web/src/flags.ts"),
            ("apps/web/src/x.ts", "~/server/db", "apps/web/server/db.ts"),
            ("apps/web/src/deep/x.ts", "@/flags", "apps/web/src/flags.ts"),
            ("apps/web/src/x.ts", "$lib/store", "apps/web/src/lib/store.ts"),
            ("apps/web/src/x.ts", "$lib", "apps/web/src/lib/index.ts"),
            ("apps/web/src/x.ts", "@/shared", "shared.ts"),
            ("apps/web/src/x.ts", "@/gone", "missing"),
            ("apps/web/src/x.ts", "@/../../../etc/a", "missing"),
            ("apps/web/src/x.ts", "@sentry/react", "package"),
        ],
    );
}

#[test]
fn a_package_has_names_of_its_own() {
    check(
        r##"
        /repo/package.json
          {"imports": {
            "#flags": "./src/flags.js",
            "#lib/*": {"types": "./dist/lib/*.d.ts", "default": "./dist/lib/*.js"},
            "#lib/secret/*": null,
            "#ui": "@acme/ui"
          }}
        /repo/src/flags.ts
        /repo/src/lib/a.ts
        /repo/src/lib/secret/b.ts
        /repo/ui/package.json {"name": "@acme/ui", "main": "index.js"}
        /repo/ui/index.ts"##,
        &[
            ("src/x.ts", "#flags", "src/flags.ts"),
            ("src/x.ts", "#lib/a", "src/lib/a.ts"),
            ("src/x.ts", "#lib/secret/b", "missing"),
            ("src/x.ts", "#ui", "ui/index.ts"),
            ("src/x.ts", "#gone", "missing"),
        ],
    );
}

#[test]
fn nothing_outside_of_the_roots_resolves() {
    check_roots(
        &["/repo/app", "/repo/lib"],
        "
        /repo/secret.ts
        /repo/app/a.ts
        /repo/lib/b.ts
        /etc/c.ts
        /repo/app/tsconfig.json {\"compilerOptions\": {\"paths\": {\"up/*\": [\"../*\"], \"etc/*\": [\"/etc/*\"]}}}",
        &[
            ("app/x.ts", "../secret", "missing"),
            ("app/x.ts", "/etc/c", "missing"),
            ("app/x.ts", "up/secret", "missing"),
            ("app/x.ts", "etc/c", "missing"),
            ("app/x.ts", "../lib/b", "lib/b.ts"),
            ("app/x.ts", "/repo/app/a", "app/a.ts"),
            ("app/x.ts", "../../../../../a", "missing"),
        ],
    );
}
