//! The only place that makes LSP ranges.

use std::collections::HashMap;

use serde_json::json;
use tower_lsp::lsp_types::{
    AnnotatedTextEdit, ChangeAnnotation, CodeAction, CodeActionDisabled, CodeActionKind, CodeActionOrCommand,
    CodeDescription, CodeLens, Command, CompletionItem, CompletionItemKind, CompletionTextEdit, DeleteFile,
    DeleteFileOptions, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DocumentChangeOperation,
    DocumentChanges, DocumentSymbol, DocumentSymbolResponse, Documentation, Hover, HoverContents, InlayHint,
    InlayHintLabel, InsertTextFormat, Location, MarkupContent, MarkupKind, NumberOrString, OneOf,
    OptionalVersionedTextDocumentIdentifier, Position, Range, ResourceOp, SymbolInformation,
    TextDocumentContentChangeEvent, TextDocumentEdit, TextEdit, Url, WorkspaceEdit,
};

use super::capabilities::ClientCaps;
use super::commands;
use crate::analysis::{
    self, Action, BriefAction, BriefFinding, BriefLens, Does, Effect, Finding, Leads, Lens, Markup, Related,
    Severity, Step, Symbol, SymbolKind, plain,
};
use crate::config::FileProblem;
use crate::flags::FlagKey;
use crate::removal::{Edit, FileChange};
use crate::schema::{self, ItemKind};
use crate::syntax::Source;
use crate::text::{Change, Encoding, LineColumn, Point, Span, Text};

pub(super) fn line_column(position: Position) -> LineColumn {
    LineColumn { line: position.line, column: position.character }
}

pub(super) fn changes(events: Vec<TextDocumentContentChangeEvent>) -> Vec<Change> {
    let change = |it: TextDocumentContentChangeEvent| Change {
        range: it.range.map(|it| (line_column(it.start), line_column(it.end))),
        text: it.text,
    };
    events.into_iter().map(change).collect()
}

/// A client's range as bytes of a document.
pub(super) fn offsets(source: &Source, range: Range, encoding: Encoding) -> std::ops::Range<u32> {
    let offset = |it| source.text.offset(line_column(it), encoding) as u32;
    offset(range.start)..offset(range.end)
}

fn position(point: Point, encoding: Encoding) -> Position {
    let character = match encoding {
        Encoding::Utf8 => point.utf8,
        Encoding::Utf16 => point.utf16,
    };
    Position { line: point.line, character }
}

pub(super) fn range(span: Span, encoding: Encoding) -> Range {
    Range { start: position(span.start, encoding), end: position(span.end, encoding) }
}

pub(super) fn hover(it: analysis::Hover, caps: &ClientCaps) -> Hover {
    let kind = match caps.hover_markup {
        Markup::Markdown => MarkupKind::Markdown,
        Markup::Plain => MarkupKind::PlainText,
    };
    let contents = HoverContents::Markup(MarkupContent { kind, value: it.text });
    Hover { contents, range: Some(range(it.span, caps.encoding)) }
}

pub(super) fn diagnostic(finding: &Finding, caps: &ClientCaps) -> Diagnostic {
    let href = finding.link.as_deref().filter(|_| caps.code_description).and_then(|it| Url::parse(it).ok());
    Diagnostic {
        range: range(finding.span, caps.encoding),
        severity: Some(severity(finding.severity)),
        code: Some(NumberOrString::String(finding.code.name().into())),
        code_description: href.map(|href| CodeDescription { href }),
        source: Some("flagline".into()),
        message: finding.sentence(),
        data: finding.key.as_ref().map(|it| json!({ "key": it.as_str() })),
        related_information: related(finding, caps),
        ..Diagnostic::default()
    }
}

fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Information => DiagnosticSeverity::INFORMATION,
        Severity::Hint => DiagnosticSeverity::HINT,
    }
}

/// The other places that a finding concerns.
fn related(finding: &Finding, caps: &ClientCaps) -> Option<Vec<DiagnosticRelatedInformation>> {
    if !caps.related_information || finding.related.is_empty() {
        return None;
    }
    let key = finding.key.as_ref()?;
    let other = |it: &Related| {
        let location =
            Location { uri: Url::from_file_path(&it.path).ok()?, range: range(it.span, caps.encoding) };
        Some(DiagnosticRelatedInformation {
            location,
            message: format!("'{}' is read here too", plain(key.as_str())),
        })
    };
    Some(finding.related.iter().filter_map(other).collect())
}

/// What an action needs to know of the document that it was asked for.
pub(super) struct Asked<'a> {
    pub(super) uri: &'a Url,
    pub(super) version: i32,
    pub(super) source: &'a Source,
    pub(super) caps: &'a ClientCaps,
}

pub(super) fn action(it: Action, asked: &Asked) -> Option<CodeActionOrCommand> {
    let command = |name: &str, argument| Command {
        title: it.title.clone(),
        command: name.into(),
        arguments: Some(vec![argument]),
    };
    let mut action = CodeAction {
        title: it.title.clone(),
        kind: Some(if it.settles.is_some() { CodeActionKind::QUICKFIX } else { CodeActionKind::EMPTY }),
        diagnostics: it.settles.as_ref().map(|it| vec![diagnostic(it, asked.caps)]),
        is_preferred: it.settles.as_ref().and_then(|it| it.code.removable()).is_some().then_some(true),
        ..CodeAction::default()
    };
    match it.effect {
        Effect::CreateFeature(key) => {
            let argument = json!({ "key": key.as_str(), "uri": asked.uri });
            action.command = Some(command(create_command(asked.caps), argument));
        }
        Effect::Launch(key) => {
            action.command =
                Some(command(commands::LAUNCH, json!({ "key": key.as_str(), "uri": asked.uri })));
        }
        Effect::Follow(key) => {
            let argument = json!({ "key": key.as_str(), "uri": asked.uri });
            action.command = Some(command(commands::FOLLOW, argument));
        }
        Effect::Move(key, step) => {
            let (name, argument) = move_command(&key, &step, asked.uri, asked.caps);
            action.command = Some(command(name, argument));
        }
        Effect::Open(url) => action.command = Some(command(commands::OPEN, json!({ "url": url }))),
        Effect::Clean(key, value) => {
            action.is_preferred = None;
            let argument = json!({ "key": key.as_str(), "keep": value.to_string(), "uri": asked.uri });
            action.command = Some(command(commands::CLEAN, argument));
        }
        Effect::Edit(edits) => action.edit = Some(workspace_edit(&edits, asked)),
        Effect::Refused(reason) if asked.caps.disabled_actions => {
            action.is_preferred = None;
            action.disabled = Some(CodeActionDisabled { reason });
        }
        Effect::Withheld(reason) if asked.caps.disabled_actions => {
            action.disabled = Some(CodeActionDisabled { reason: reason.into() });
        }
        Effect::Withheld(_) => return None,
        Effect::Refused(reason) => {
            action.is_preferred = None;
            action.command = Some(command(commands::EXPLAIN, json!({ "reason": reason })));
        }
    }
    if asked.caps.action_literals {
        return Some(CodeActionOrCommand::CodeAction(action));
    }
    let edit = |edit| command(commands::APPLY_EDIT, json!({ "label": it.title, "edit": edit }));
    action.command.or_else(|| action.edit.map(edit)).map(CodeActionOrCommand::Command)
}

/// What is wrong in a settings file.
pub(super) fn settings_problem(text: &Text, problem: &FileProblem, encoding: Encoding) -> Diagnostic {
    let (span, message) = (problem.span.clone(), problem.message.clone());
    in_toml(text, "settings", span, Severity::Error, message, encoding)
}

/// Something worth telling about a brief.
pub(super) fn brief_finding(text: &Text, finding: &BriefFinding, caps: &ClientCaps) -> Diagnostic {
    let (span, message) = (finding.span.clone(), finding.message.clone());
    let href = finding.link.as_deref().filter(|_| caps.code_description).and_then(|it| Url::parse(it).ok());
    Diagnostic {
        code_description: href.map(|href| CodeDescription { href }),
        ..in_toml(text, finding.code, span, finding.severity, message, caps.encoding)
    }
}

fn in_toml(
    text: &Text,
    code: &str,
    mut span: std::ops::Range<usize>,
    loud: Severity,
    message: String,
    encoding: Encoding,
) -> Diagnostic {
    // Something at the very end, or an empty place, is shown on the character before it.
    if span.is_empty() {
        span.start = text.as_str()[..span.start].char_indices().next_back().map_or(0, |it| it.0);
    }
    Diagnostic {
        range: range(text.span(span), encoding),
        severity: Some(severity(loud)),
        code: Some(NumberOrString::String(code.into())),
        source: Some("flagline".into()),
        message,
        ..Diagnostic::default()
    }
}

/// Other text in place of some bytes.
pub(super) fn text_edit(
    text: &Text,
    replaced: std::ops::Range<usize>,
    with: String,
    encoding: Encoding,
) -> TextEdit {
    TextEdit { range: range(text.span(replaced), encoding), new_text: with }
}

/// The parts of a document: each with its parts where the client can show that, else all of them in a row.
pub(super) fn symbols(
    text: &Text,
    symbols: Vec<Symbol>,
    uri: &Url,
    caps: &ClientCaps,
) -> DocumentSymbolResponse {
    if caps.nested_symbols {
        let nested = symbols.into_iter().map(|it| symbol(text, it, caps.encoding));
        return DocumentSymbolResponse::Nested(nested.collect());
    }
    let mut flat = Vec::new();
    flatten(text, symbols, None, uri, caps.encoding, &mut flat);
    DocumentSymbolResponse::Flat(flat)
}

#[expect(deprecated, reason = "the protocol's type has a field that nobody sets any more")]
fn symbol(text: &Text, it: Symbol, encoding: Encoding) -> DocumentSymbol {
    let children = it.children.into_iter().map(|it| symbol(text, it, encoding)).collect();
    DocumentSymbol {
        name: it.name,
        detail: Some(it.detail).filter(|it| !it.is_empty()),
        kind: symbol_kind(it.kind),
        tags: None,
        deprecated: None,
        range: range(text.span(it.span), encoding),
        selection_range: range(text.span(it.name_span), encoding),
        children: Some(children),
    }
}

#[expect(deprecated, reason = "the protocol's type has a field that nobody sets any more")]
fn flatten(
    text: &Text,
    symbols: Vec<Symbol>,
    container: Option<&str>,
    uri: &Url,
    encoding: Encoding,
    flat: &mut Vec<SymbolInformation>,
) {
    for it in symbols {
        flat.push(SymbolInformation {
            name: it.name.clone(),
            kind: symbol_kind(it.kind),
            tags: None,
            deprecated: None,
            location: Location { uri: uri.clone(), range: range(text.span(it.span), encoding) },
            container_name: container.map(str::to_owned),
        });
        flatten(text, it.children, Some(&it.name), uri, encoding, flat);
    }
}

fn symbol_kind(kind: SymbolKind) -> tower_lsp::lsp_types::SymbolKind {
    match kind {
        SymbolKind::Feature => tower_lsp::lsp_types::SymbolKind::CLASS,
        SymbolKind::Section => tower_lsp::lsp_types::SymbolKind::NAMESPACE,
        SymbolKind::Element => tower_lsp::lsp_types::SymbolKind::OBJECT,
    }
}

/// Something that can be written in a settings file or a brief.
pub(super) fn completion(text: &Text, item: schema::Item, caps: &ClientCaps) -> CompletionItem {
    let (new_text, format) = match item.snippet.filter(|_| caps.snippets) {
        Some(snippet) => (snippet, Some(InsertTextFormat::SNIPPET)),
        None => (item.text, None),
    };
    let edit = TextEdit { range: range(text.span(item.replaced), caps.encoding), new_text };
    CompletionItem {
        // What is typed so far is compared with the label, also between quotes.
        filter_text: Some(item.label.clone()),
        label: item.label,
        kind: Some(match item.kind {
            ItemKind::Key => CompletionItemKind::PROPERTY,
            ItemKind::Table => CompletionItemKind::MODULE,
            ItemKind::Value => CompletionItemKind::VALUE,
        }),
        detail: Some(item.detail),
        documentation: Some(Documentation::String(item.meaning)),
        text_edit: Some(CompletionTextEdit::Edit(edit)),
        insert_text_format: format,
        ..CompletionItem::default()
    }
}

/// What a key of a settings file means.
pub(super) fn explanation(
    text: &Text,
    markdown: String,
    span: std::ops::Range<usize>,
    caps: &ClientCaps,
) -> Hover {
    let value = match caps.hover_markup {
        Markup::Markdown => markdown,
        Markup::Plain => markdown.replace('`', ""),
    };
    words(text, value, span, caps)
}

/// Words in the client's markup, over some bytes.
pub(super) fn words(text: &Text, value: String, span: std::ops::Range<usize>, caps: &ClientCaps) -> Hover {
    let kind = match caps.hover_markup {
        Markup::Markdown => MarkupKind::Markdown,
        Markup::Plain => MarkupKind::PlainText,
    };
    let contents = HoverContents::Markup(MarkupContent { kind, value });
    Hover { contents, range: Some(range(text.span(span), caps.encoding)) }
}

/// A lens with the places that it leads to.
pub(super) fn lens(it: Lens, uri: &Url, places: &[Location], caps: &ClientCaps) -> CodeLens {
    let at = range(it.span, caps.encoding);
    let (command, arguments) = match (&it.leads, caps.show_references) {
        (Leads::Removal(keep), _) => {
            let wanted = json!({ "key": it.key.as_str(), "keep": keep.to_string(), "uri": uri });
            (commands::CLEAN, vec![wanted])
        }
        (Leads::Move(step), _) => {
            let (command, argument) = move_command(&it.key, step, uri, caps);
            (command, vec![argument])
        }
        (Leads::Reads, true) => (commands::SHOW_REFERENCES, vec![json!(uri), json!(at.start), json!(places)]),
        (Leads::Reads, false) => (commands::OPEN, vec![json!({ "key": it.key.as_str(), "uri": uri })]),
    };
    let command = Command { title: it.title, command: command.into(), arguments: Some(arguments) };
    CodeLens { range: at, command: Some(command), data: None }
}

/// A lens of a brief.
pub(super) fn brief_lens(it: &BriefLens, text: &Text, uri: &Url, caps: &ClientCaps) -> CodeLens {
    let command = brief_command(&it.key, it.title.clone(), &it.does, uri, caps);
    CodeLens { range: range(text.span(it.span.clone()), caps.encoding), command: Some(command), data: None }
}

/// Lenses of one place, each beginning a character after the one before: Neovim 0.12 orders those of a line by where they
/// begin, and shuffles what begins at the same place (`table.sort` in `vim/lsp/codelens.lua` is not stable).
pub(super) fn side_by_side(mut lenses: Vec<CodeLens>) -> Vec<CodeLens> {
    for at in 1..lenses.len() {
        let before = lenses[at - 1].range;
        let range = &mut lenses[at].range;
        if range.end == before.end && range.start <= before.start && before.start < before.end {
            range.start.line = before.start.line;
            range.start.character = before.start.character + 1;
        }
    }
    lenses
}

fn brief_command(key: &FlagKey, title: String, does: &Does, uri: &Url, caps: &ClientCaps) -> Command {
    let of_key = || json!({ "key": key.as_str(), "uri": uri });
    let (command, argument) = match does {
        Does::Launch => (commands::LAUNCH, of_key()),
        Does::Open => (commands::OPEN, of_key()),
        Does::Move(step) => move_command(key, step, uri, caps),
        Does::Follow => (commands::FOLLOW, of_key()),
        Does::Review => (commands::REVIEW, of_key()),
    };
    Command { title, command: command.into(), arguments: Some(vec![argument]) }
}

/// The command that moves a rollout, with its argument.
fn move_command(
    key: &FlagKey,
    step: &Step,
    uri: &Url,
    caps: &ClientCaps,
) -> (&'static str, serde_json::Value) {
    let mut argument = json!({ "key": key.as_str(), "uri": uri });
    let command = match step {
        Step::Promote => commands::PROMOTE,
        Step::Stop if caps.stop_feature => commands::STOP_FEATURE,
        Step::Stop => commands::STOP,
        Step::Resume => commands::RESUME,
        Step::RollBack(stage) => {
            argument["stage"] = stage.as_str().into();
            commands::ROLL_BACK
        }
        Step::Finish => commands::FINISH,
    };
    (command, argument)
}

/// Something that can be done about a brief.
pub(super) fn brief_action(it: BriefAction, uri: &Url, caps: &ClientCaps) -> CodeActionOrCommand {
    let command = brief_command(&it.key, it.title.clone(), &it.does, uri, caps);
    let title = it.title;
    match caps.action_literals {
        false => CodeActionOrCommand::Command(command),
        true => CodeActionOrCommand::CodeAction(CodeAction {
            title,
            kind: Some(CodeActionKind::EMPTY),
            command: Some(command),
            ..CodeAction::default()
        }),
    }
}

pub(super) fn inlay_hint(it: analysis::InlayHint, caps: &ClientCaps) -> InlayHint {
    InlayHint {
        position: position(it.span.end, caps.encoding),
        label: InlayHintLabel::String(it.label),
        kind: None,
        text_edits: None,
        tooltip: None,
        padding_left: Some(true),
        padding_right: None,
        data: None,
    }
}

/// A removal as one edit of all files: of open ones the version that it was made for. Files of which nothing is left are
/// deleted where the client can do that, and emptied where it cannot.
pub(super) fn removal_edit(
    label: &str,
    files: &[(Url, Option<i32>, Text, FileChange)],
    caps: &ClientCaps,
) -> WorkspaceEdit {
    let edits = |text: &Text, change: &FileChange| -> Vec<TextEdit> {
        let edit = |range_of: std::ops::Range<usize>, new_text: String| TextEdit {
            range: range(text.span(range_of), caps.encoding),
            new_text,
        };
        match change {
            FileChange::Edited(edits) => {
                edits.iter().map(|it| edit(it.range.clone(), it.text.clone())).collect()
            }
            FileChange::Deleted => vec![edit(0..text.as_str().len(), String::new())],
        }
    };
    if !caps.document_changes {
        let changes = files.iter().map(|(uri, _, text, change)| (uri.clone(), edits(text, change)));
        return WorkspaceEdit::new(changes.collect());
    }
    let annotation = caps.change_annotations.then(|| "flagline".to_owned());
    let operation = |(uri, version, text, change): &(Url, Option<i32>, Text, FileChange)| match change {
        FileChange::Deleted if caps.deletes_files => {
            let options =
                DeleteFileOptions { recursive: None, ignore_if_not_exists: Some(true), annotation_id: None };
            let delete = DeleteFile { uri: uri.clone(), options: Some(options) };
            DocumentChangeOperation::Op(ResourceOp::Delete(delete))
        }
        _ => {
            let annotated = |text_edit: TextEdit| match &annotation {
                Some(id) => OneOf::Right(AnnotatedTextEdit { text_edit, annotation_id: id.clone() }),
                None => OneOf::Left(text_edit),
            };
            DocumentChangeOperation::Edit(TextDocumentEdit {
                text_document: OptionalVersionedTextDocumentIdentifier {
                    uri: uri.clone(),
                    version: *version,
                },
                edits: edits(text, change).into_iter().map(annotated).collect(),
            })
        }
    };
    let told = annotation.as_ref().map(|id| {
        let annotation =
            ChangeAnnotation { label: label.into(), needs_confirmation: Some(false), description: None };
        HashMap::from([(id.clone(), annotation)])
    });
    WorkspaceEdit {
        document_changes: Some(DocumentChanges::Operations(files.iter().map(operation).collect())),
        change_annotations: told,
        ..WorkspaceEdit::default()
    }
}

/// Who is asked to create a feature: the client, if it asks its user, else the server.
fn create_command(caps: &ClientCaps) -> &'static str {
    if caps.new_feature { commands::NEW_FEATURE } else { commands::CREATE_FEATURE }
}

/// A feature to create from a place that no flag is read at.
pub(super) struct NewFeature<'a> {
    pub(super) key: &'a FlagKey,
    pub(super) name: &'a str,
    /// Whether the code there suggests what it is called.
    pub(super) is_named: bool,
    /// The cursor, or what is selected.
    pub(super) at: Range,
    /// Why nothing may be created.
    pub(super) refused: Option<&'static str>,
}

/// Creating a feature from a place; `None` where it may not be, and the client cannot show why.
pub(super) fn new_feature(feature: NewFeature, asked: &Asked) -> Option<CodeActionOrCommand> {
    let NewFeature { key, name, is_named, at, refused } = feature;
    if refused.is_some() && !asked.caps.disabled_actions {
        return None;
    }
    // Who asks a person does not begin with a made-up name.
    let is_told = is_named || !asked.caps.new_feature;
    let selected = at.start != at.end;
    let title = match (asked.caps.new_feature, selected) {
        (true, true) => "Create a feature from the selection…".to_owned(),
        (true, false) => "Create a feature…".to_owned(),
        (false, true) => format!("Create feature '{key}' from the selection"),
        (false, false) => format!("Create feature '{key}'"),
    };
    let argument = json!({
        "key": is_told.then(|| key.as_str()),
        "name": is_told.then_some(name),
        "uri": asked.uri,
        "range": selected.then_some(at),
        "version": selected.then_some(asked.version),
    });
    let command = Command {
        title: title.clone(),
        command: create_command(asked.caps).into(),
        arguments: Some(vec![argument]),
    };
    Some(match asked.caps.action_literals {
        false => CodeActionOrCommand::Command(command),
        true => CodeActionOrCommand::CodeAction(CodeAction {
            title,
            kind: Some(CodeActionKind::REFACTOR),
            command: refused.is_none().then_some(command),
            disabled: refused.map(|it| CodeActionDisabled { reason: it.into() }),
            ..CodeAction::default()
        }),
    })
}

pub(super) fn workspace_edit(edits: &[Edit], asked: &Asked) -> WorkspaceEdit {
    let edit = |it: &Edit| TextEdit {
        range: range(asked.source.text.span(it.range.clone()), asked.caps.encoding),
        new_text: it.text.clone(),
    };
    let edits: Vec<TextEdit> = edits.iter().map(edit).collect();
    if !asked.caps.document_changes {
        return WorkspaceEdit::new(HashMap::from([(asked.uri.clone(), edits)]));
    }
    let document =
        OptionalVersionedTextDocumentIdentifier { uri: asked.uri.clone(), version: Some(asked.version) };
    let edit =
        TextDocumentEdit { text_document: document, edits: edits.into_iter().map(OneOf::Left).collect() };
    WorkspaceEdit { document_changes: Some(DocumentChanges::Edits(vec![edit])), ..WorkspaceEdit::default() }
}
