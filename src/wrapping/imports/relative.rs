//! A module that one file imports, as another has to write it.

use std::path::{Component, Path, PathBuf};

/// `./flags` of `src/a.ts` is `../flags` in `src/b/c.ts`. `None` where that cannot be told.
pub(super) fn module(module: &str, of: &Path, to: &Path, is_python: bool) -> Option<String> {
    let (of, to) = (of.parent()?, to.parent()?);
    if !module.starts_with('.') || of == to {
        return Some(module.to_owned());
    }
    if is_python {
        return python(module, of, to);
    }
    let target = normal(&of.join(module))?;
    let shared = target.iter().zip(to.iter()).take_while(|(a, b)| a == b).count();
    let ups = to.iter().count() - shared;
    let rest: Vec<_> = target.iter().skip(shared).map(|it| it.to_str()).collect::<Option<_>>()?;
    let start = if ups == 0 { "./".to_owned() } else { "../".repeat(ups) };
    Some(format!("{start}{}", rest.join("/")).trim_end_matches('/').to_owned())
}

fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop().then_some(())?;
            }
            it => normal.push(it),
        }
    }
    Some(normal)
}

/// `.flags` of `app/a.py` is `..flags` in `app/b/c.py`.
fn python(module: &str, of: &Path, to: &Path) -> Option<String> {
    let name = module.trim_start_matches('.');
    let dots = module.len() - name.len();
    let package = of.ancestors().nth(dots - 1)?;
    let inside = to.strip_prefix(package).ok()?;
    Some(format!("{}{name}", ".".repeat(inside.iter().count() + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_written_as_another_file_sees_them() {
        for (name, of, to, expect) in [
            ("./flags", "src/a.ts", "src/b.ts", "./flags"),
            ("./flags", "src/a.ts", "src/b/c.ts", "../flags"),
            ("../flags", "src/b/c.ts", "src/a.ts", "./flags"),
            ("../lib/flags", "src/b/c.ts", "src/d/e/f.ts", "../../lib/flags"),
            ("@/flags", "src/b/c.ts", "src/a.ts", "@/flags"),
        ] {
            let found = module(name, Path::new(of), Path::new(to), false);
            assert_eq!(found.as_deref(), Some(expect), "{name} of {of} in {to}");
        }
        let python = |name: &str, of: &str, to: &str| module(name, Path::new(of), Path::new(to), true);
        assert_eq!(python(".flags", "app/a.py", "app/b/c.py").as_deref(), Some("..flags"));
        assert_eq!(python("..flags", "app/b/c.py", "app/a.py").as_deref(), Some(".flags"));
        assert_eq!(python(".flags", "app/a.py", "other/b.py"), None);
    }
}
