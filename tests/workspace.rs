//! What files say together depends on what they say, and on nothing else: not on the order in which they were
//! opened, not on what they said before, not on when names were followed.

#![expect(clippy::unwrap_used, reason = "a folder that cannot be written fails the test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use flagline::index::scan::{self, Progress, Root};
use flagline::index::{Codebase, Open, resolver};
use flagline::syntax::{Language, Names, Source};
use flagline::text::Text;
use proptest::prelude::*;

/// The files of a workspace, each as it is on disk and as it may be typed.
const FILES: [(&str, &[&str]); 9] = [
    (
        "keys.ts",
        &[
            "export const FLAGS = { NAV: 'new-nav', PAY: 'pay' } as const\nexport const OWN = 'own'\n",
            "export const FLAGS = { NAV: 'other-nav' } as const\n",
            "export const FLAGS = { NAV: 'new-nav', PAY: 'pa",
            "export const nothing = 1\n",
        ],
    ),
    (
        "hooks.ts",
        &[
            "import { useFeatureFlagEnabled } from 'posthog-js/react'\n\
             export const useFlag = (key: string) => useFeatureFlagEnabled(key)\n",
            "import { useFeatureFlagEnabled } from 'posthog-js/react'\n\
             export const useGate = (name: string, key: string) => useFeatureFlagEnabled(key)\n\
             export const useFlag = (it: { flag: string }) => useGate('x', it.flag)\n",
            "export const useFlag = (key: string) => localStorage.getItem(key)\n",
        ],
    ),
    (
        "index.ts",
        &["export * from './keys'\nexport * from './hooks'\n", "export { useFlag } from './hooks'\n", ""],
    ),
    (
        "page.tsx",
        &[
            "import { FLAGS, useFlag } from '.'\nexport const Page = () => useFlag(FLAGS.NAV) && <New />\n",
            "import { useFlag } from './hooks'\nimport { OWN } from './keys'\n\
             export const Page = () => useFlag({ flag: OWN }) || useFlag('typed')\n",
            "export const Page = () => <Old />\n",
        ],
    ),
    (
        "service.ts",
        &[
            "import { PostHog } from 'posthog-node'\nexport class Features {\n  constructor(private client: PostHog) {}\n  \
             isOn(user: string, key: string) { return this.client.isFeatureEnabled(key, user) }\n}\n",
            "export class Features {\n  isOn(user: string, key: string) { return settings[key] }\n}\n",
            "import { PostHog } from 'posthog-node'\nexport class Features {\n  of(user: string) { \
             return new PostHog('k').getAllFlags(user) }\n}\n",
        ],
    ),
    (
        "route.ts",
        &[
            "export const route = async (features, user) => features.isOn(user, 'routed')\n",
            "import { Features } from './service'\nimport { FLAGS } from './keys'\n\
             export const route = async (user) => (await new Features().of(user))[FLAGS.PAY]\n",
        ],
    ),
    (
        "table.ts",
        &[
            "import { FLAGS } from './keys'\nexport const on = (featureFlags) => featureFlags[FLAGS.PAY]\n",
            "export const on = (featureFlags) => featureFlags['unknown']\n",
        ],
    ),
    (
        "app/flags.py",
        &[
            "import posthog\nKEY = 'python-key'\n\ndef is_on(user, key=KEY):\n    \
             return posthog.feature_enabled(key, user)\n",
            "import posthog\nfrom .names import KEY\n\ndef is_on(key, user):\n    \
             return posthog.feature_enabled(key, user)\n",
            "KEY = 'python-key'\n",
        ],
    ),
    (
        "app/views.py",
        &[
            "from app.flags import KEY, is_on\n\ndef view(user):\n    return is_on(user, KEY) or is_on(user, 'typed')\n",
            "from app import flags\n\ndef view(user):\n    return flags.is_on(flags.KEY, user\n",
        ],
    ),
];

#[derive(Debug, Clone)]
enum Step {
    /// A document says this variant.
    Type(usize, usize),
    /// A document is closed: what counts is on disk.
    Close(usize),
    /// Names are followed.
    Link,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let typed = (0..FILES.len(), 0..4usize).prop_map(|(file, variant)| Step::Type(file, variant));
    let close = (0..FILES.len()).prop_map(Step::Close);
    prop::collection::vec(prop_oneof![6 => typed, 1 => close, 3 => Just(Step::Link)], 1..24)
}

struct Workspace {
    roots: Vec<Root>,
    codebase: Codebase,
    open: BTreeMap<Arc<Path>, Open>,
}

impl Workspace {
    fn new(folder: &Path) -> Workspace {
        let roots = vec![Root { path: folder.to_owned(), ..Root::default() }];
        let codebase = Codebase::read(&roots, resolver(&roots), &BTreeMap::new(), &Progress::default());
        Workspace { roots, codebase, open: BTreeMap::new() }
    }

    fn path(&self, file: usize) -> Arc<Path> {
        self.roots[0].path.join(FILES[file].0).into()
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Type(file, variant) => {
                let (path, variants) = (self.path(file), FILES[file].1);
                let text = Text::new(variants[variant % variants.len()]);
                let source = Source::new(Language::from_path(&path).unwrap(), 1, text);
                let names: Arc<Names> = Arc::default();
                self.codebase.set(&path, source.module.clone(), &names);
                self.open.insert(path, (source.module, names));
            }
            Step::Close(file) => {
                let path = self.path(file);
                let wanted = scan::wanted(&self.roots, &[&path]);
                self.codebase.reread(&path, wanted.first());
                self.open.remove(&path);
            }
            Step::Link => self.codebase.link(),
        }
    }

    /// The same files, read anew.
    fn read_anew(&self) -> Codebase {
        Codebase::read(&self.roots, resolver(&self.roots), &self.open, &Progress::default())
    }
}

/// What is read and defined, a line each.
fn said(codebase: &Codebase) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, _, facts) in codebase.files() {
        let name = path.file_name().unwrap().display();
        let facts = facts.unwrap();
        lines.extend(facts.reads.iter().map(|it| format!("{name} reads {it:?}")));
        lines.extend(facts.definitions.iter().map(|it| format!("{name} defines {it:?}")));
    }
    lines
}

fn check(workspace: &mut Workspace) -> Result<(), TestCaseError> {
    workspace.codebase.link();
    let (now, anew) = (said(&workspace.codebase).join("\n"), said(&workspace.read_anew()).join("\n"));
    let lines = similar::TextDiff::from_lines(&anew, &now);
    prop_assert!(now == anew, "{}", lines.unified_diff());
    Ok(())
}

fn written() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, variants) in FILES {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, variants[0]).unwrap();
    }
    folder
}

#[test]
fn the_files_say_something() {
    let folder = written();
    let workspace = Workspace::new(folder.path());
    let said = said(&workspace.codebase).join("\n");
    for key in ["new-nav", "pay", "routed", "python-key", "typed"] {
        assert!(said.contains(&format!("key: Some({key:?})")), "{key} is not read: {said}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_done_before_does_not_matter(steps in steps()) {
        let folder = written();
        let mut workspace = Workspace::new(folder.path());
        steps.iter().for_each(|it| workspace.step(it));
        check(&mut workspace)?;
    }

    #[test]
    fn files_may_be_opened_in_any_order(
        variants in prop::collection::vec(0..4usize, FILES.len()),
        order in Just((0..FILES.len()).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let folder = written();
        let mut workspace = Workspace::new(folder.path());
        for file in order {
            workspace.step(&Step::Type(file, variants[file]));
        }
        check(&mut workspace)?;
    }
}
