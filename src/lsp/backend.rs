//! The protocol's methods, each a few lines: convert, ask, convert back.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::{
    CodeActionKind, CodeActionOrCommand, CodeActionParams, CodeActionResponse, CodeActionTriggerKind,
    CodeLens, CodeLensParams, CompletionList, CompletionParams, CompletionResponse,
    DidChangeConfigurationParams, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DidSaveTextDocumentParams, DocumentFormattingParams, DocumentSymbolParams, DocumentSymbolResponse,
    ExecuteCommandParams, FileEvent, GotoDefinitionParams, GotoDefinitionResponse, Hover, HoverParams,
    InitializeParams, InitializeResult, InitializedParams, InlayHint, InlayHintParams, Location, MessageType,
    ReferenceParams, TextDocumentPositionParams, TextEdit, Url,
};
use tower_lsp::{Client, LanguageServer};

use super::account::SignIn;
use super::capabilities::initialize_result;
use super::convert::{self, Asked};
use super::new_feature::{self, Place};
use super::publish::Look;
use super::session::{Session, folder};
use super::{account, brief, commands, parent, toml};
use crate::analysis::{self, BriefSnapshot, BriefTarget, Leads, Snapshot};
use crate::feature::brief::is_brief;
use crate::flags::{FlagKey, Lookup, Mirror};
use crate::index::Index;
use crate::posthog::refresh::Ask;
use crate::syntax::Read;
use crate::workspace::{Opened, Workspace};

/// How long the client may wait for the end because the mirror is written.
const SAVING: Duration = Duration::from_secs(2);

/// What tower-lsp calls.
pub(super) struct Backend {
    client: Client,
    session: OnceLock<Arc<Session>>,
}

impl Backend {
    pub(super) fn new(client: Client) -> Backend {
        Backend { client, session: OnceLock::new() }
    }

    fn session(&self) -> Result<&Arc<Session>> {
        // tower-lsp answers requests before `initialize` by itself; notifications it drops.
        self.session.get().ok_or_else(Error::internal_error)
    }

    /// `flagline/debug`: the state without secrets. Debug builds can also be told to fail or to be slow, for
    /// the tests of what the service repairs.
    pub(super) async fn debug(&self, params: Value) -> Result<Value> {
        #[cfg(debug_assertions)]
        misbehave(&params).await;
        drop(params);
        let workspace = &self.session()?.workspace;
        let mirror = workspace.mirror_of(&workspace.configs().swap_remove(0).1);
        let environment = mirror.primary();
        Ok(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "roots": workspace.roots(),
            "openDocuments": workspace.open_paths().len(),
            "filesWithFlags": workspace.index().files().count(),
            "keys": workspace.index().keys().len(),
            "host": environment.map(|it| it.host.to_string()),
            "project": environment.and_then(|it| it.project.as_ref()).map(|it| it.id),
            "flags": environment.and_then(|it| it.flags.as_ref()).map(|it| it.by_key.len()),
            "trouble": environment.and_then(|it| it.trouble.as_deref()),
        }))
    }

    /// `flagline/signIn`: tries a key and uses it.
    pub(super) async fn sign_in(&self, params: SignIn) -> Result<Value> {
        account::sign_in(self.session()?, params).await
    }

    /// `flagline/signOut`: forgets a key and what it was used for.
    pub(super) async fn sign_out(&self, params: account::Host) -> Result<Value> {
        account::sign_out(self.session()?, params).await
    }

    /// `flagline/projects`: what the key can see.
    pub(super) async fn projects(&self, params: account::Projects) -> Result<Value> {
        account::projects(self.session()?, params).await
    }

    /// `flagline/flagAt`: the flag at a place; of a brief everywhere its own.
    pub(super) async fn flag_at(&self, params: TextDocumentPositionParams) -> Result<Value> {
        let caps = &self.session()?.caps;
        if let Some(snapshot) = self.brief(&params.text_document.uri)? {
            let file = &snapshot.file;
            let Some((key, span)) = file.key().zip(file.key_span()) else { return Ok(Value::Null) };
            let range = convert::range(file.text.span(span), caps.encoding);
            return Ok(json!({ "key": key.as_str(), "range": range, "state": state(&snapshot.mirror, key) }));
        }
        let Some((snapshot, offset)) = self.at(params).await? else { return Ok(Value::Null) };
        let Some((key, span)) = analysis::key_at(&snapshot, offset) else { return Ok(Value::Null) };
        let range = convert::range(span, caps.encoding);
        Ok(json!({ "key": key.as_str(), "range": range, "state": state(&snapshot.mirror, &key) }))
    }

    /// `flagline/newFeature`: what a feature at a place may be called, and whether the code there can be wrapped.
    pub(super) async fn new_feature(&self, params: Place) -> Result<Value> {
        Ok(new_feature::suggest(self.session()?, params).await)
    }

    /// A source with the byte that a position means.
    async fn at(&self, at: TextDocumentPositionParams) -> Result<Option<(Snapshot, u32)>> {
        let Some(snapshot) = self.snapshot(&at.text_document.uri).await? else { return Ok(None) };
        let encoding = self.session()?.caps.encoding;
        let offset =
            snapshot.source.as_ref().map(|it| it.text.offset(convert::line_column(at.position), encoding));
        Ok(offset.map(|it| (snapshot, it as u32)))
    }

    /// An open brief.
    fn brief(&self, uri: &Url) -> Result<Option<BriefSnapshot>> {
        let path = Workspace::path_of(uri);
        let workspace = &self.session()?.workspace;
        let is_open = is_brief(&path) && workspace.document(&path).is_some();
        Ok(workspace.brief_snapshot(&path, Timestamp::now()).filter(|_| is_open))
    }

    /// Where a key is read, or defined, or both, in all files.
    fn places(&self, index: &Index, key: &FlagKey, wanted: Places) -> Result<Vec<Location>> {
        let session = self.session()?;
        let (reads, definitions) = (wanted != Places::Definitions, wanted != Places::Reads);
        let mut places = Vec::new();
        for (path, facts) in index.files() {
            let is_read = |it: &&Read| reads && it.key.as_ref() == Some(key);
            let reads = facts.reads.iter().filter(is_read).map(|it| it.key_span);
            let defined =
                facts.definitions.iter().filter(|it| definitions && it.key == *key).map(|it| it.key_span);
            let mut spans: Vec<_> = reads.chain(defined).collect();
            spans.sort();
            spans.dedup();
            let uri =
                session.workspace.document(path).map(|it| it.0).or_else(|| Url::from_file_path(path).ok());
            let Some(uri) = uri.filter(|_| !spans.is_empty()) else { continue };
            let location =
                |it| Location { uri: uri.clone(), range: convert::range(it, session.caps.encoding) };
            places.extend(spans.into_iter().map(location));
        }
        Ok(places)
    }

    async fn snapshot(&self, uri: &Url) -> Result<Option<Snapshot>> {
        let workspace = &self.session()?.workspace;
        let path = Workspace::path_of(uri);
        if let Some(snapshot) = workspace.snapshot(&path, Timestamp::now()) {
            return Ok(Some(snapshot));
        }
        workspace.parsed(&path).await;
        Ok(workspace.snapshot(&path, Timestamp::now()))
    }

    fn opened(&self, session: &Arc<Session>, uri: &Url, opened: &Opened) {
        let path = Workspace::path_of(uri);
        match opened {
            Opened::Parse => session.parse(path),
            Opened::Read => {
                session.look(Look::At(path));
                session.edited();
            }
            Opened::Ignored(None) => {}
            Opened::Ignored(Some(why)) => {
                let (session, message) =
                    (session.clone(), format!("{} {why}: its flags are not read", path.display()));
                tokio::spawn(async move { session.tell(MessageType::INFO, &message).await });
            }
        }
    }
}

/// Whether the project has a flag, as clients are told.
fn state(mirror: &Mirror, key: &FlagKey) -> &'static str {
    match mirror.primary().map(|it| it.lookup(key)) {
        Some(Lookup::Known(_)) => "known",
        Some(Lookup::Unknown) => "unknown",
        Some(Lookup::NotLoaded) | None => "not-loaded",
    }
}

/// The places of a key that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Places {
    Reads,
    Definitions,
    Both,
}

#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "tests ask for it")]
async fn misbehave(params: &Value) {
    if params["panic"] == true {
        panic!("asked for by a test");
    }
    if let Some(millis) = params["spin"].as_u64() {
        let spin = move || {
            let end = std::time::Instant::now() + std::time::Duration::from_millis(millis);
            while std::time::Instant::now() < end {
                std::hint::spin_loop();
            }
        };
        drop(tokio::task::spawn_blocking(spin).await);
    }
    if let Some(millis) = params["sleep"].as_u64() {
        tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
    }
}

#[tower_lsp::async_trait]
impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        if let Some(process) = params.process_id {
            parent::end_with(process);
        }
        let session = Session::new(self.client.clone(), &params);
        let result = initialize_result(&params, &session.caps);
        // A second `initialize` never gets here: tower-lsp refuses it.
        drop(self.session.set(session));
        Ok(result)
    }

    async fn initialized(&self, _: InitializedParams) {
        if let Ok(session) = self.session() {
            session.start();
        }
    }

    async fn shutdown(&self) -> Result<()> {
        if let Ok(session) = self.session() {
            session.workspace.refresh.finish(SAVING).await;
        }
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let Ok(session) = self.session() else { return };
        let document = params.text_document;
        let uri = document.uri.clone();
        let path = Workspace::path_of(&uri);
        if is_brief(&path) {
            session.workspace.want_catalog(&path);
        }
        let opened =
            session.workspace.open(document.uri, &document.language_id, document.version, document.text);
        self.opened(session, &uri, &opened);
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let Ok(session) = self.session() else { return };
        let (document, changes) = (params.text_document, convert::changes(params.content_changes));
        let changed =
            session.workspace.change(&document.uri, document.version, &changes, session.caps.encoding);
        session.workspace.refresh.ask(Ask::Active);
        match changed {
            Some(changed) => self.opened(session, &document.uri, &changed),
            // It is not open, or no longer: what is on disk counts.
            None => session.reread(vec![Workspace::path_of(&document.uri)]),
        }
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        let Ok(session) = self.session() else { return };
        if session.workspace.is_settings_file(&Workspace::path_of(&params.text_document.uri)) {
            return session.settings_changed();
        }
        session.saved();
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        if let Ok(session) = self.session() {
            session.take_settings(params.settings);
        }
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        let Ok(session) = self.session() else { return };
        let path = session.workspace.close(&params.text_document.uri);
        session.reread(vec![path]);
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        let Ok(session) = self.session() else { return };
        let path = |it: &FileEvent| Workspace::path_of(&it.uri);
        if params.changes.iter().any(|it| session.workspace.is_settings_file(&path(it))) {
            session.settings_changed();
        }
        // A switch of branches arrives as thousands of events; then looking at everything is faster.
        if params.changes.len() > 500 {
            return session.rescan("Reading flags");
        }
        session.reread(params.changes.iter().map(path).collect());
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let Ok(session) = self.session() else { return };
        let removed: Vec<_> = params.event.removed.iter().filter_map(|it| folder(&it.uri)).collect();
        session
            .change_folders(&removed, params.event.added.iter().filter_map(|it| folder(&it.uri)).collect());
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        let at = params.text_document_position_params;
        let session = self.session()?;
        if let Some(snapshot) = self.brief(&at.text_document.uri)? {
            let Some((hover, key)) = brief::hover(&snapshot, at.position, &session.caps) else {
                return Ok(None);
            };
            key.into_iter().for_each(|it| session.workspace.refresh.ask(Ask::Hover(it)));
            return Ok(Some(hover));
        }
        if let Some(text) = session.workspace.toml(&Workspace::path_of(&at.text_document.uri)) {
            return Ok(toml::hover(&text, at.position, &session.caps));
        }
        let Some((snapshot, offset)) = self.at(at).await? else { return Ok(None) };
        let hover = analysis::hover(&snapshot, offset, session.caps.hover_markup);
        if let Some(hover) = &hover {
            session.workspace.refresh.ask(Ask::Hover(hover.key.clone()));
        }
        Ok(hover.map(|it| convert::hover(it, &session.caps)))
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let uri = params.text_document.uri;
        let caps = &self.session()?.caps;
        if let Some(snapshot) = self.brief(&uri)? {
            let only = params.context.only.as_deref();
            let any = only.is_none_or(|it| it.iter().any(|it| it.as_str().is_empty()));
            let actions = analysis::brief_actions(&snapshot).into_iter().filter(|_| any);
            return Ok(Some(actions.map(|it| convert::brief_action(it, &uri, caps)).collect()));
        }
        let Some(snapshot) = self.snapshot(&uri).await? else { return Ok(None) };
        let Some(source) = snapshot.source.clone() else { return Ok(None) };
        let wanted = |it: &CodeActionOrCommand| match (&params.context.only, it) {
            (Some(only), CodeActionOrCommand::CodeAction(action)) => {
                let kind = action.kind.as_ref().map_or("", |it| it.as_str());
                only.iter().any(|it| {
                    it.as_str().is_empty()
                        || kind == it.as_str()
                        || kind.starts_with(&format!("{}.", it.as_str()))
                })
            }
            _ => true,
        };
        let range = convert::offsets(&source, params.range, caps.encoding);
        let asked = Asked { uri: &uri, version: source.version, source: &source, caps };
        let found = analysis::actions(&snapshot, range.clone()).into_iter();
        let mut actions: Vec<_> = found.filter_map(|it| convert::action(it, &asked)).collect();
        let asks_for_refactoring = || {
            let only = params.context.only.iter().flatten();
            only.into_iter().any(|it| it.as_str() == CodeActionKind::REFACTOR.as_str())
        };
        // Clients that do not say why they ask may want a light for wherever the cursor rests.
        let invoked = match params.context.trigger_kind {
            Some(trigger) => trigger == CodeActionTriggerKind::INVOKED,
            None => asks_for_refactoring(),
        };
        let selected = params.range.start != params.range.end;
        // Wherever the cursor rests, a light would be lit.
        let on_key = analysis::key_at(&snapshot, range.start).is_some();
        if !on_key && (selected || (invoked && actions.is_empty())) {
            let named = new_feature::named(self.session()?, &snapshot, params.range);
            let refused = snapshot.config.read_only.then_some(analysis::NOTHING_WRITTEN);
            let is_named = named.is_some();
            let (key, name) = named.unwrap_or_else(|| new_feature::nameless(&snapshot));
            let feature = convert::NewFeature { key: &key, name: &name, is_named, at: params.range, refused };
            actions.extend(convert::new_feature(feature, &asked));
        }
        actions.retain(wanted);
        Ok(Some(actions))
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        let at = params.text_document_position;
        let session = self.session()?;
        let path = Workspace::path_of(&at.text_document.uri);
        if let Some(snapshot) = self.brief(&at.text_document.uri)? {
            session.workspace.want_catalog(&path);
            let items = brief::completions(&snapshot, at.position, &session.caps);
            // Incomplete: the client asks again with the next letter, when the rest may be there.
            let list = CompletionList { is_incomplete: snapshot.is_loading(), items };
            return Ok(Some(CompletionResponse::List(list)));
        }
        let text = session.workspace.toml(&path);
        let items = text.map(|it| toml::completions(&it, at.position, &session.caps));
        Ok(items.map(CompletionResponse::Array))
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        let wanted = if params.context.include_declaration { Places::Both } else { Places::Reads };
        let at = params.text_document_position;
        if let Some(snapshot) = self.brief(&at.text_document.uri)? {
            let Some(key) = brief::key_at(&snapshot, at.position, &self.session()?.caps) else {
                return Ok(None);
            };
            return self.places(&snapshot.index, &key, wanted).map(Some);
        }
        let Some((snapshot, offset)) = self.at(at).await? else { return Ok(None) };
        let Some((key, _)) = analysis::key_at(&snapshot, offset) else { return Ok(None) };
        self.places(&snapshot.index, &key, wanted).map(Some)
    }

    async fn goto_definition(&self, params: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        let at = params.text_document_position_params;
        let session = self.session()?;
        let (workspace, caps) = (&session.workspace, &session.caps);
        let path = Workspace::path_of(&at.text_document.uri);
        let places = if let Some(snapshot) = self.brief(&at.text_document.uri)? {
            match brief::target(&snapshot, at.position, caps) {
                None => Vec::new(),
                Some(BriefTarget::Reads(key)) => self.places(&snapshot.index, &key, Places::Reads)?,
                Some(BriefTarget::Plan { plan, stage }) => {
                    brief::plan_location(workspace, &path, &plan, stage.as_deref(), caps)
                        .into_iter()
                        .collect()
                }
                Some(BriefTarget::Here(span)) => {
                    brief::place(workspace, &path, &snapshot.file.text, span, caps).into_iter().collect()
                }
            }
        } else {
            let Some((snapshot, offset)) = self.at(at).await? else { return Ok(None) };
            let Some((key, _)) = analysis::key_at(&snapshot, offset) else { return Ok(None) };
            match brief::location(workspace, &key, &path, caps) {
                Some(brief) => vec![brief],
                None => self.places(&snapshot.index, &key, Places::Definitions)?,
            }
        };
        Ok(Some(places).filter(|it| !it.is_empty()).map(GotoDefinitionResponse::Array))
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Option<DocumentSymbolResponse>> {
        let (session, uri) = (self.session()?, params.text_document.uri);
        let path = Workspace::path_of(&uri);
        let text = session.workspace.toml(&path);
        Ok(text.map(|it| toml::symbols(&it, &path, &uri, &session.caps)))
    }

    async fn formatting(&self, params: DocumentFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        let session = self.session()?;
        let text = session.workspace.toml(&Workspace::path_of(&params.text_document.uri));
        Ok(text.and_then(|it| toml::formatting(&it, &session.caps)))
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        let uri = params.text_document.uri;
        let caps = &self.session()?.caps;
        if let Some(snapshot) = self.brief(&uri)? {
            let lenses = analysis::brief_lenses(&snapshot);
            let text = &snapshot.file.text;
            let lenses = lenses.iter().map(|it| convert::brief_lens(it, text, &uri, caps)).collect();
            return Ok(Some(convert::side_by_side(lenses)));
        }
        let Some(snapshot) = self.snapshot(&uri).await? else { return Ok(None) };
        let mut lenses = Vec::new();
        for lens in analysis::lenses(&snapshot) {
            let places = if caps.show_references && lens.leads == Leads::Reads {
                self.places(&snapshot.index, &lens.key, Places::Reads)?
            } else {
                Vec::new()
            };
            lenses.push(convert::lens(lens, &uri, &places, caps));
        }
        Ok(Some(convert::side_by_side(lenses)))
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        let Some(snapshot) = self.snapshot(&params.text_document.uri).await? else { return Ok(None) };
        let Some(source) = snapshot.source.clone() else { return Ok(None) };
        let caps = &self.session()?.caps;
        let range = convert::offsets(&source, params.range, caps.encoding);
        let hints = analysis::inlay_hints(&snapshot, range);
        Ok(Some(hints.into_iter().map(|it| convert::inlay_hint(it, caps)).collect()))
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<Value>> {
        commands::execute(self.session()?, params)?;
        Ok(None)
    }
}
