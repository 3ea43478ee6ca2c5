use super::tree::check;

#[test]
fn paths_are_exact_or_have_a_star() {
    check(
        r#"
        /repo/tsconfig.json
          // Comments, and commas at the end.
          {
            "compilerOptions": {
              "paths": {
                "flags": ["./src/flags"], /* exact */
                "@/*": ["./src/*"],
                "@/ui/*": ["./gone/*", "./packages/ui/*"],
                "*.model": ["./models/*"],
              },
            },
          }
        /repo/src/flags.ts
        /repo/src/a/b.tsx
        /repo/src/ui/c.ts
        /repo/packages/ui/d.ts
        /repo/models/user.ts"#,
        &[
            ("src/x.ts", "flags", "src/flags.ts"),
            ("src/x.ts", "@/a/b", "src/a/b.tsx"),
            ("src/x.ts", "@/a/b.js", "src/a/b.tsx"),
            ("src/x.ts", "@/ui/d", "packages/ui/d.ts"),
            ("src/x.ts", "user.model", "models/user.ts"),
            ("src/x.ts", "@/gone", "missing"),
            ("src/x.ts", "flagship", "package"),
        ],
    );
}

#[test]
fn base_url_is_where_names_and_targets_start() {
    check(
        r#"
        /repo/web/tsconfig.json {"compilerOptions": {"baseUrl": "./src", "paths": {"~ui/*": ["shared/ui/*"]}}}
        /repo/web/src/lib/flags.ts
        /repo/web/src/shared/ui/a.ts
        /repo/js/jsconfig.json {"compilerOptions": {"baseUrl": "."}}
        /repo/js/helpers/b.js"#,
        &[
            ("web/src/x.ts", "lib/flags", "web/src/lib/flags.ts"),
            ("web/src/x.ts", "~ui/a", "web/src/shared/ui/a.ts"),
            ("web/src/x.ts", "react", "package"),
            ("js/x.js", "helpers/b", "js/helpers/b.js"),
        ],
    );
}

#[test]
fn a_star_alone_maps_nothing() {
    check(
        r#"
        /repo/tsconfig.json {"compilerOptions": {"paths": {"*": ["./vendor/*", "./types/*"]}}}
        /repo/types/a.ts"#,
        &[("x.ts", "a", "types/a.ts"), ("x.ts", "react", "package")],
    );
}

#[test]
fn the_nearest_configuration_counts() {
    check(
        r#"
        /repo/tsconfig.json {"compilerOptions": {"paths": {"@/*": ["./*"], "root/*": ["./*"]}}}
        /repo/a.ts
        /repo/web/tsconfig.json {"compilerOptions": {"paths": {"@/*": ["./src/*"]}}}
        /repo/web/src/a.ts
        /repo/web/src/deep/x.ts
        /repo/api/tsconfig.build.json {"compilerOptions": {"paths": {"api/*": ["./*"]}}}
        /repo/api/b.ts"#,
        &[
            ("web/src/deep/x.ts", "@/a", "web/src/a.ts"),
            ("web/src/deep/x.ts", "root/a", "package"),
            ("other/x.ts", "@/a", "a.ts"),
            ("api/x.ts", "api/b", "api/b.ts"),
            ("api/x.ts", "root/a", "a.ts"),
        ],
    );
}

#[test]
fn a_configuration_extends_others() {
    check(
        r#"
        /repo/tsconfig.base.json {"compilerOptions": {"paths": {"@acme/*": ["libs/*/src"]}, "baseUrl": "."}}
        /repo/libs/ui/src/index.ts
        /repo/apps/web/tsconfig.json {"extends": "./tsconfig.options"}
        /repo/apps/web/tsconfig.options.json {"extends": "../../tsconfig.base.json"}
        /repo/apps/one/tsconfig.json {"extends": ["../../tsconfig.base.json", "../paths.json"]}
        /repo/apps/paths.json {"compilerOptions": {"paths": {"one/*": ["./apps/one/*"]}}}
        /repo/apps/one/a.ts"#,
        &[
            ("apps/web/x.ts", "@acme/ui", "libs/ui/src/index.ts"),
            ("apps/one/x.ts", "one/a", "apps/one/a.ts"),
            ("apps/one/x.ts", "@acme/ui", "package"),
        ],
    );
}

#[test]
fn paths_are_relative_to_the_configuration_that_has_them() {
    check(
        r#"
        /repo/config/base.json
          {"compilerOptions": {"paths": {"cfg/*": ["./*"], "own/*": ["${configDir}/src/*"]}}}
        /repo/config/a.ts
        /repo/web/tsconfig.json {"extends": "../config/base"}
        /repo/web/src/b.ts"#,
        &[("web/x.ts", "cfg/a", "config/a.ts"), ("web/x.ts", "own/b", "web/src/b.ts")],
    );
}

#[test]
fn a_configuration_extends_that_of_a_package() {
    check(
        r#"
        /repo/packages/tsconfig/package.json {"name": "@acme/tsconfig"}
        /repo/packages/tsconfig/base.json {"compilerOptions": {"paths": {"@/*": ["${configDir}/app/*"]}}}
        /repo/web/tsconfig.json {"extends": "@acme/tsconfig/base.json"}
        /repo/web/app/a.ts
        /repo/node_modules/shared/package.json {"name": "shared", "tsconfig": "./ts.json"}
        /repo/node_modules/shared/ts.json {"compilerOptions": {"baseUrl": "${configDir}"}}
        /repo/api/tsconfig.json {"extends": "shared"}
        /repo/api/lib/b.ts
        /repo/cli/package.json {}
        /repo/cli/tsconfig.json {"extends": "@acme/gone/tsconfig.json", "compilerOptions": {"baseUrl": "."}}
        /repo/cli/c.ts"#,
        &[
            ("web/x.ts", "@/a", "web/app/a.ts"),
            ("api/x.ts", "lib/b", "api/lib/b.ts"),
            ("cli/x.ts", "c", "cli/c.ts"),
        ],
    );
}

#[test]
fn configurations_that_extend_each_other_end() {
    check(
        r#"
        /repo/tsconfig.json {"extends": "./tsconfig.a.json", "references": [{"path": "./tsconfig.a.json"}]}
        /repo/tsconfig.a.json
          {"extends": ["./tsconfig.json", "./tsconfig.a.json"], "references": [{"path": "."}],
           "compilerOptions": {"paths": {"@/*": ["./src/*"]}}}
        /repo/src/a.ts"#,
        &[("x.ts", "@/a", "src/a.ts"), ("x.ts", "b", "package")],
    );
}

#[test]
fn what_a_configuration_refers_to_counts_too() {
    check(
        r#"
        /repo/vite/tsconfig.json {"files": [], "references": [{"path": "./tsconfig.app.json"}]}
        /repo/vite/tsconfig.app.json {"compilerOptions": {"paths": {"app/*": ["./src/*"]}}}
        /repo/vite/src/a.ts
        /repo/other/tsconfig.json {"references": [{"path": "./config"}, {"path": "../packages/ui"}]}
        /repo/other/config/tsconfig.json {"compilerOptions": {"paths": {"cfg/*": ["../lib/*"]}}}
        /repo/other/lib/b.ts
        /repo/packages/ui/package.json {"name": "ui"}
        /repo/packages/ui/tsconfig.json {"compilerOptions": {"paths": {"private/*": ["./*"]}}}
        /repo/packages/ui/c.ts
        /repo/nx/tsconfig.base.json {"compilerOptions": {"paths": {"@nx/a": ["libs/a/index.ts"]}}}
        /repo/nx/libs/a/index.ts"#,
        &[
            ("vite/src/x.ts", "app/a", "vite/src/a.ts"),
            ("other/x.ts", "cfg/b", "other/lib/b.ts"),
            ("other/x.ts", "private/c", "package"),
            ("nx/apps/x.ts", "@nx/a", "nx/libs/a/index.ts"),
        ],
    );
}

#[test]
fn mapped_builds_are_led_back_to_their_source() {
    check(
        r#"
        /repo/tsconfig.json
          {"compilerOptions": {"paths": {"ui": ["packages/ui/dist"], "ui/*": ["packages/ui/dist/*.d.ts"]}}}
        /repo/packages/ui/src/index.ts
        /repo/packages/ui/src/a.tsx"#,
        &[("x.ts", "ui", "packages/ui/src/index.ts"), ("x.ts", "ui/a", "packages/ui/src/a.tsx")],
    );
}

#[test]
fn a_mapping_that_leads_nowhere_leaves_the_package() {
    check(
        r#"
        /repo/tsconfig.json {"compilerOptions": {"paths": {"@acme/*": ["./gone/*"]}}}
        /repo/ui/package.json {"name": "@acme/ui"}
        /repo/ui/src/index.ts"#,
        &[("x.ts", "@acme/ui", "ui/src/index.ts"), ("x.ts", "@acme/other", "missing")],
    );
}

#[test]
fn a_file_that_is_no_json_says_nothing() {
    check(
        "
        /repo/tsconfig.json {\"compilerOptions\": {\"paths\": 7, \"baseUrl\": []}
        /repo/web/tsconfig.json [[[
        /repo/web/package.json <html>
        /repo/web/a.ts",
        &[("web/x.ts", "./a", "web/a.ts"), ("web/x.ts", "a", "package")],
    );
}
