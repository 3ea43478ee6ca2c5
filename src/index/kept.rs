//! What each chunk of an open file said about flags, so that after an edit only what it touched is followed again.
//!
//! It holds as long as nothing else changes: an edit of another file, or another name that leads to flags, ends it.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::link::{self, Address, Edit, FileId, Linked, Methods, Program, Resolve, Uses};
use crate::syntax::ir::{Module, Placed};
use crate::syntax::{Compared, Names, Read};
use crate::text::Span;

/// More chunks than this are followed on all cores.
const FEW: usize = 4;

/// See the module.
#[derive(Debug)]
pub(super) struct Kept {
    names: Arc<Names>,
    speaks_of_posthog: bool,
    chunks: FxHashMap<Address, Arc<Said>>,
}

/// What a chunk said.
#[derive(Debug)]
struct Said {
    linked: Linked,
    uses: Uses,
    /// Where the chunk was.
    start: usize,
}

/// What a file says about flags as far as that is new, and all of its reads.
pub(super) fn follow(
    program: &Program,
    resolver: &(dyn Resolve + Sync),
    methods: &Methods,
    file: FileId,
    before: Option<&Kept>,
    edit: &Edit,
) -> (Kept, Linked) {
    let it = program.file(file);
    let is_same = |kept: &&Kept| kept.speaks_of_posthog == it.speaks_of_posthog() && kept.names == it.names;
    let mut said = still_said(&it.module, before.filter(is_same), edit);
    let open: Vec<usize> = (0..said.len()).filter(|it| said[*it].is_none()).collect();
    let again = |chunk: &usize| {
        let (linked, uses) = link::follow_chunk(program, resolver, methods, file, *chunk as u32);
        Arc::new(Said { linked, uses, start: it.module.chunks[*chunk].start as usize })
    };
    let new: Vec<Arc<Said>> = if open.len() > FEW {
        open.par_iter().map(again).collect()
    } else {
        open.iter().map(again).collect()
    };
    let mut linked = Linked::default();
    for (chunk, new) in open.into_iter().zip(new) {
        linked.defined.extend(&new.linked.defined);
        said[chunk] = Some(new);
    }
    let mut chunks = FxHashMap::with_capacity_and_hasher(said.len(), Default::default());
    for (placed, said) in it.module.chunks.iter().zip(said.into_iter().flatten()) {
        let place = placed.bytes();
        linked
            .reads
            .extend(said.linked.reads.iter().map(|read| moved(read, said.start, place.start, &it.module)));
        let of_chunk = said.linked.compared.iter();
        linked.compared.extend(of_chunk.map(|of| compared_there(of, said.start, place.start, &it.module)));
        if said.start != place.start || said.is_inside(&place) {
            chunks.insert(Address::of(&placed.chunk), said);
        }
    }
    link::sort(&mut linked.reads);
    let kept = Kept { names: it.names.clone(), speaks_of_posthog: it.speaks_of_posthog(), chunks };
    (kept, linked)
}

/// What each chunk said before an edit and says still; nothing of those that it touched.
fn still_said(module: &Module, before: Option<&Kept>, edit: &Edit) -> Vec<Option<Arc<Said>>> {
    let still = |placed: &Placed| {
        let said = before?.chunks.get(&Address::of(&placed.chunk))?;
        (placed.is_whole() && !said.uses.has_changed(edit)).then(|| said.clone())
    };
    module.chunks.iter().map(still).collect()
}

impl Said {
    /// Whether all reads are inside of the chunk. What it says of another place does not move along with it.
    fn is_inside(&self, chunk: &Range<usize>) -> bool {
        let is_in = |part: Range<usize>| chunk.start <= part.start && part.end <= chunk.end;
        let mut compared = self.linked.compared.iter().flat_map(|it| &it.variants).map(|it| it.1.bytes());
        self.linked.reads.iter().all(|it| is_in(it.key_span.bytes()) && is_in(it.call_span.bytes()))
            && compared.all(is_in)
    }
}

/// A read of a chunk that is somewhere else now.
fn moved(read: &Read, from: usize, to: usize, module: &Module) -> Read {
    let there = |it: Range<usize>| module.text.span(it.start + to - from..it.end + to - from);
    Read { key_span: there(read.key_span.bytes()), call_span: there(read.call_span.bytes()), ..read.clone() }
}

/// The same for a place that tells variants apart.
fn compared_there(it: &Compared, from: usize, to: usize, module: &Module) -> Compared {
    let there = |it: Span| module.text.span(it.bytes().start + to - from..it.bytes().end + to - from);
    let variants = it.variants.iter().map(|(name, span)| (name.clone(), there(*span))).collect();
    Compared { span: there(it.span), variants, ..it.clone() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use proptest::prelude::*;

    use super::*;
    use crate::index::scan::{Progress, Root, walk};
    use crate::index::{Codebase, resolver};
    use crate::syntax::{Language, Source};
    use crate::text::{Change, Encoding, LineColumn, Text};

    /// Some lines of a file, and what is done to them.
    type Typed = (usize, Vec<(usize, Typing)>);

    /// What somebody does to a line of a file, with another line of it.
    #[derive(Debug, Clone, Copy)]
    enum Typing {
        Delete,
        CopyFrom(usize),
        /// Takes a word for another.
        Reword(usize, usize),
        HalfAString,
    }

    fn typing() -> impl Strategy<Value = Typed> {
        let how = prop_oneof![
            2 => Just(Typing::Delete),
            2 => (0..200usize).prop_map(Typing::CopyFrom),
            6 => (0..20usize, 0..400usize).prop_map(|(word, by)| Typing::Reword(word, by)),
            1 => Just(Typing::HalfAString),
        ];
        (0..1000usize, prop::collection::vec((0..200usize, how), 1..12))
    }

    fn words(text: &str) -> Vec<&str> {
        text.split(|it: char| !it.is_alphanumeric() && it != '_').filter(|it| !it.is_empty()).collect()
    }

    fn changed(text: &str, line: usize, how: Typing) -> Change {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let line = line % lines.len();
        let now = lines[line];
        let new = match how {
            Typing::Delete => String::new(),
            Typing::CopyFrom(other) => format!("{}{now}", lines[other % lines.len()]),
            Typing::HalfAString => format!("'{now}"),
            Typing::Reword(word, by) => {
                let (own, all) = (words(now), words(text));
                match own.get(word % own.len().max(1)) {
                    Some(word) => now.replacen(word, all[by % all.len()], 1),
                    None => now.to_owned(),
                }
            }
        };
        let place = |line: usize| LineColumn { line: line as u32, column: 0 };
        let is_last = !now.ends_with('\n');
        let end = match is_last {
            true => LineColumn { line: line as u32, column: now.encode_utf16().count() as u32 },
            false => place(line + 1),
        };
        Change { range: Some((place(line), end)), text: new }
    }

    /// Types into files, and holds what is kept against what is found out when nothing is.
    fn type_into(folder: &Path, typed: &[Typed]) {
        let roots = [Root { path: folder.to_owned(), ..Root::default() }];
        let mut codebase = Codebase::read(&roots, resolver(&roots), &BTreeMap::new(), &Progress::default());
        let paths: Vec<PathBuf> = walk(&roots).into_iter().map(|it| it.path).collect();
        let source = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).unwrap();
            Source::new(Language::from_path(path).unwrap(), 1, Text::new(text))
        };
        let mut sources: Vec<Source> = paths.iter().map(source).collect();
        let names = Arc::default();
        for (number, (file, lines)) in typed.iter().enumerate() {
            // What another file says counts as soon as names are followed.
            codebase.link();
            let (file, is_followed) = (file % sources.len(), number % 2 == 0);
            let path: Arc<Path> = paths[file].as_path().into();
            for (line, how) in lines {
                let before = &sources[file];
                if before.text.as_str().is_empty() {
                    break;
                }
                let change = changed(before.text.as_str(), *line, *how);
                sources[file] =
                    before.edit(before.version + 1, std::slice::from_ref(&change), Encoding::Utf16);
                let module = &sources[file].module;
                let mut anew = codebase.clone();
                anew.forget_kept();
                let kept = codebase.set(&path, module.clone(), &names);
                let anew = anew.set(&path, module.clone(), &names);
                assert_eq!(kept.reads, anew.reads, "{path:?} after {change:?}:\n{}", module.text.as_str());
                if is_followed {
                    codebase.link();
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

        #[test]
        fn what_is_kept_is_what_would_be_found_out_again(
            typed in prop::collection::vec(typing(), 1..8),
        ) {
            let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/patterns");
            for folder in std::fs::read_dir(all).unwrap() {
                type_into(&folder.unwrap().path(), &typed);
            }
        }
    }
}
