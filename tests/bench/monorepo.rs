//! A monorepo as large teams have it, written anew for each run: packages that import each other by name, keys and
//! wrappers in packages of their own, and one file in fifty that has to do with flags.

use std::path::{Path, PathBuf};

/// One in this many files reads flags.
const ONE_IN: usize = 50;

/// Files of a package.
const PER_PACKAGE: usize = 50;

/// Bytes of a file that reads flags.
const CANDIDATE: usize = 20_000;

/// What was written.
#[derive(Default)]
pub(super) struct Written {
    pub files: usize,
    pub bytes: usize,
    /// Of the files that read flags.
    pub candidate_bytes: usize,
    /// Reads with a key that one can know.
    pub reads: usize,
}

/// Writes `n_files` source files below `root`; the same ones each time.
pub(super) fn write(root: &Path, n_files: usize) -> std::io::Result<Written> {
    let mut repo = Repo { root: root.to_owned(), ..Repo::default() };
    repo.put("package.json", r#"{ "name": "acme", "private": true, "workspaces": ["packages/*"] }"#)?;
    repo.put("tsconfig.json", r#"{ "compilerOptions": { "strict": true, "jsx": "react-jsx" } }"#)?;
    repo.put("packages/flags/package.json", r#"{ "name": "@acme/flags", "main": "src/index.ts" }"#)?;
    repo.source("packages/flags/src/index.ts", "export * from './keys'\nexport * from './hooks'\n")?;
    repo.source("packages/flags/src/keys.ts", &keys(n_files / ONE_IN))?;
    repo.source("packages/flags/src/hooks.ts", HOOKS)?;
    repo.source("services/flags/__init__.py", PYTHON_FLAGS)?;
    while repo.written.files < n_files {
        let number = repo.written.files;
        let path = place(number);
        if number.is_multiple_of(PER_PACKAGE) && !path.ends_with(".py") {
            let package = number / PER_PACKAGE;
            let text = format!(r#"{{ "name": "@acme/part-{package}", "main": "src/index.ts" }}"#);
            repo.put(&format!("packages/part-{package}/package.json"), &text)?;
        }
        let text =
            if number.is_multiple_of(ONE_IN) { repo.candidate(number, &path) } else { plain(number, &path) };
        repo.source(&path, &text)?;
    }
    Ok(repo.written)
}

const HOOKS: &str = "import { useFeatureFlagEnabled, useFeatureFlagVariantKey } from 'posthog-js/react'
import type { Flag } from './keys'

export function useFlag(key: Flag): boolean {
  return useFeatureFlagEnabled(key) ?? false
}

export const useVariant = (options: { flag: Flag; fallback: string }) =>
  useFeatureFlagVariantKey(options.flag) ?? options.fallback
";

const PYTHON_FLAGS: &str = "import posthog


class Keys:
    FAST_QUEUE = \"fast-queue\"
    NEW_INVOICE = \"new-invoice\"


def flag_is_on(user, key):
    return bool(posthog.feature_enabled(key, user.distinct_id))
";

/// Constants that other packages import.
fn keys(n: usize) -> String {
    let mut text = String::from("export const FLAGS = {\n");
    for number in 0..n.max(2) {
        text += &format!("  PART_{number}: 'part-{number}',\n");
    }
    text + "} as const\n\nexport type Flag = (typeof FLAGS)[keyof typeof FLAGS]\n"
}

/// Two of ten files are Python; of the rest most are TSX.
fn place(number: usize) -> String {
    let package = number / PER_PACKAGE;
    match package % 10 {
        8 | 9 => format!("services/part_{package}/module_{number}.py"),
        _ if number.is_multiple_of(3) => format!("packages/part-{package}/src/module{number}.ts"),
        7 => format!("packages/part-{package}/src/View{number}.jsx"),
        _ => format!("packages/part-{package}/src/View{number}.tsx"),
    }
}

#[derive(Default)]
struct Repo {
    root: PathBuf,
    written: Written,
}

impl Repo {
    fn put(&self, path: &str, text: &str) -> std::io::Result<()> {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
        std::fs::write(path, text)
    }

    fn source(&mut self, path: &str, text: &str) -> std::io::Result<()> {
        self.written.files += 1;
        self.written.bytes += text.len();
        self.put(path, text)
    }

    /// A file of about [`CANDIDATE`] bytes that reads flags in the ways that the language has.
    fn candidate(&mut self, number: usize, path: &str) -> String {
        let key = number / ONE_IN;
        let (head, reads) = if path.ends_with(".py") { python_reads(key) } else { script_reads(key, path) };
        let mut text = head;
        let mut part = 0;
        while text.len() < CANDIDATE {
            text += &block(number * 100 + part, path);
            part += 1;
        }
        self.written.candidate_bytes += text.len();
        self.written.reads += reads;
        text
    }
}

fn script_reads(key: usize, path: &str) -> (String, usize) {
    // Half of the files never name the SDK: they import a wrapper.
    if key.is_multiple_of(2) {
        let text = format!(
            "import {{ FLAGS, useFlag, useVariant }} from '@acme/flags'

export function useGate{key}() {{
  const isOn = useFlag(FLAGS.PART_{key})
  const variant = useVariant({{ flag: FLAGS.PART_{key}, fallback: 'control' }})
  return isOn && variant !== 'control' && !useFlag('retired-{key}')
}}
"
        );
        return (text, 3);
    }
    let gate = match path.ends_with("sx") {
        true => format!("() => <PostHogFeature flag=\"literal-{key}\"><New /></PostHogFeature>"),
        false => format!("async () => (await posthog.getAllFlags('me'))['literal-{key}']"),
    };
    let text = format!(
        "import posthog from 'posthog-js'
import {{ PostHogFeature, useFeatureFlagEnabled }} from 'posthog-js/react'
import {{ FLAGS }} from '@acme/flags'

const OWN_{key} = 'own-{key}'

export function useOwn{key}() {{
  const own = useFeatureFlagEnabled(OWN_{key})
  const shared = posthog.getFeatureFlag(FLAGS.PART_{key}) === 'test'
  return own || shared
}}
export const gate{key} = {gate}
"
    );
    (text, 3)
}

fn python_reads(key: usize) -> (String, usize) {
    if key.is_multiple_of(2) {
        let text = format!(
            "from services.flags import Keys, flag_is_on


def queue_{key}(user):
    return flag_is_on(user, Keys.FAST_QUEUE) or flag_is_on(user, key=\"own-{key}\")
"
        );
        return (text, 2);
    }
    let text = format!(
        "import posthog

from services.flags import Keys

OWN = \"own-{key}\"


def invoice_{key}(user):
    flags = posthog.evaluate_flags(user.distinct_id)
    return flags.is_enabled(OWN) and posthog.get_feature_flag(Keys.NEW_INVOICE, user.distinct_id)
"
    );
    (text, 2)
}

/// A file that has nothing to do with flags: between 1 and 8 kB.
fn plain(number: usize, path: &str) -> String {
    let mut text = match path.ends_with(".py") {
        true => String::from("from django.db import models\nfrom services.base import Base\n"),
        false => format!(
            "import {{ useMemo }} from 'react'\nimport {{ view{number} }} from '@acme/part-{}'\n",
            number % 40
        ),
    };
    for part in 0..(number * 7919) % 14 + 2 {
        text += &block(number * 100 + part, path);
    }
    text
}

/// Code as people write it, a screenful.
fn block(number: usize, path: &str) -> String {
    match path.rsplit_once('.').map(|it| it.1) {
        Some("py") => python_block(number),
        Some("ts") => script_block(number),
        _ => view_block(number),
    }
}

fn python_block(number: usize) -> String {
    format!(
        "

class Invoice{number}(Base):
    \"\"\"What a customer owes for project {number}, with everything that was paid.\"\"\"

    project = models.ForeignKey(\"Project\", on_delete=models.CASCADE, related_name=\"invoices_{number}\")
    amount = models.DecimalField(max_digits=12, decimal_places=2, default={number})

    def total(self, lines, discount=0.0, enabled=True):
        if not enabled or self.project.closed_at is not None:
            return 0
        settings = {{\"rate\": 0.19, \"label\": f\"{{self.project.name}}-{number}\"}}
        return sum(it.price * it.count for it in lines if it.is_open) * (1 + settings[\"rate\"]) - discount
"
    )
}

fn script_block(number: usize) -> String {
    format!(
        "
/** What is planted for project {number}, by month. */
export async function plan{number}(project: Project, options: PlanOptions = {{}}): Promise<Plan> {{
  const response = await api.get(`/projects/${{project.id}}/plans/{number}`, {{ signal: options.signal }})
  if (!response.ok || response.data.length === 0) {{
    logger.warn('no plan for the project', {{ id: project.id, status: response.status }})
    return {{ months: [], total: 0, isEnabled: options.enabled ?? false }}
  }}
  const months = response.data.map((it) => ({{ ...it, trees: it.trees * {number} }}))
  return {{ months, total: months.reduce((sum, it) => sum + it.trees, 0), isEnabled: true }}
}}
"
    )
}

fn view_block(number: usize) -> String {
    format!(
        "
export function Row{number}({{ project, onOpen }}) {{
  const total = useMemo(() => project.trees.reduce((sum, it) => sum + it.count * {number}, 0), [project])
  const label = `${{project.name}}: ${{total}}`
  if (total > {number} && project.owner?.email !== undefined) {{
    return <Empty title=\"Nothing here yet\" onClick={{() => onOpen(project.id)}} />
  }}
  return (
    <tr className={{total > 10 ? 'big' : 'small'}} data-row={{{number}}}>
      <td>{{label}}</td>
      {{project.videos.map((it) => <Video key={{it.id}} {{...it}} />)}}
    </tr>
  )
}}
"
    )
}
