//! What client and server agree on, reduced to plain fields.

use serde_json::Value;
use tower_lsp::lsp_types::{
    ClientCapabilities, CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CodeLensOptions,
    CompletionOptions, ExecuteCommandOptions, HoverProviderCapability, InitializeParams, InitializeResult,
    MarkupKind, OneOf, PositionEncodingKind, ResourceOperationKind, SaveOptions, ServerCapabilities,
    ServerInfo, TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions, WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};

use super::commands;
use crate::analysis::Markup;
use crate::text::Encoding;

/// What the client can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClientCaps {
    pub(super) encoding: Encoding,
    pub(super) hover_markup: Markup,
    pub(super) document_changes: bool,
    /// Edits may say what they are for.
    pub(super) change_annotations: bool,
    /// A workspace edit may delete files.
    pub(super) deletes_files: bool,
    pub(super) disabled_actions: bool,
    pub(super) action_literals: bool,
    pub(super) code_description: bool,
    pub(super) progress: bool,
    pub(super) watch_files: bool,
    pub(super) show_document: bool,
    pub(super) pull_settings: bool,
    pub(super) settings_registration: bool,
    pub(super) related_information: bool,
    pub(super) lens_refresh: bool,
    pub(super) inlay_refresh: bool,
    /// Symbols may have symbols in them.
    pub(super) nested_symbols: bool,
    /// Completions may have places to be filled in.
    pub(super) snippets: bool,
    /// What this server's own clients say in `experimental`.
    pub(super) credentials: bool,
    pub(super) status: bool,
    pub(super) pick: bool,
    pub(super) show_references: bool,
    pub(super) new_feature: bool,
    /// It asks why a rollout is stopped.
    pub(super) stop_feature: bool,
}

impl ClientCaps {
    pub(super) fn new(client: &ClientCapabilities) -> ClientCaps {
        let text = client.text_document.as_ref();
        let workspace = client.workspace.as_ref();
        let window = client.window.as_ref();
        let own = |pointer: &str| client.experimental.as_ref().and_then(|it| it.pointer(pointer));
        let declared = |pointer: &str| own(pointer).and_then(Value::as_bool).unwrap_or(false);
        let commands = own("/commands/commands").and_then(Value::as_array);
        let action = text.and_then(|it| it.code_action.as_ref());
        let markdown = text
            .and_then(|it| it.hover.as_ref()?.content_format.as_ref())
            .is_some_and(|it| it.first() == Some(&MarkupKind::Markdown));
        ClientCaps {
            encoding: encoding(client),
            hover_markup: if markdown { Markup::Markdown } else { Markup::Plain },
            document_changes: workspace
                .and_then(|it| it.workspace_edit.as_ref()?.document_changes)
                .unwrap_or(false),
            change_annotations: workspace
                .and_then(|it| it.workspace_edit.as_ref()?.change_annotation_support.as_ref())
                .is_some(),
            deletes_files: workspace
                .and_then(|it| it.workspace_edit.as_ref()?.resource_operations.as_ref())
                .is_some_and(|it| it.contains(&ResourceOperationKind::Delete)),
            disabled_actions: action.and_then(|it| it.disabled_support).unwrap_or(false),
            action_literals: action.is_some_and(|it| it.code_action_literal_support.is_some()),
            code_description: text
                .and_then(|it| it.publish_diagnostics.as_ref()?.code_description_support)
                .unwrap_or(false),
            progress: window.and_then(|it| it.work_done_progress).unwrap_or(false),
            watch_files: workspace
                .and_then(|it| it.did_change_watched_files.as_ref()?.dynamic_registration)
                .unwrap_or(false),
            show_document: window.and_then(|it| Some(it.show_document.as_ref()?.support)).unwrap_or(false),
            pull_settings: workspace.and_then(|it| it.configuration).unwrap_or(false),
            settings_registration: workspace
                .and_then(|it| it.did_change_configuration.as_ref()?.dynamic_registration)
                .unwrap_or(false),
            related_information: text
                .and_then(|it| it.publish_diagnostics.as_ref()?.related_information)
                .unwrap_or(false),
            inlay_refresh: workspace.and_then(|it| it.inlay_hint.as_ref()?.refresh_support).unwrap_or(false),
            lens_refresh: workspace.and_then(|it| it.code_lens.as_ref()?.refresh_support).unwrap_or(false),
            nested_symbols: text
                .and_then(|it| it.document_symbol.as_ref()?.hierarchical_document_symbol_support)
                .unwrap_or(false),
            snippets: text
                .and_then(|it| it.completion.as_ref()?.completion_item.as_ref()?.snippet_support)
                .unwrap_or(false),
            credentials: declared("/flagline/credentials"),
            status: declared("/flagline/status"),
            pick: declared("/flagline/pick"),
            new_feature: commands.is_some_and(|it| it.iter().any(|it| it == commands::NEW_FEATURE)),
            stop_feature: commands.is_some_and(|it| it.iter().any(|it| it == commands::STOP_FEATURE)),
            show_references: commands.is_some_and(|it| it.iter().any(|it| it == commands::SHOW_REFERENCES)),
        }
    }
}

/// The first of the client's encodings that is known here; UTF-16 when it names none.
fn encoding(client: &ClientCapabilities) -> Encoding {
    let offered = client.general.as_ref().and_then(|it| it.position_encodings.as_ref());
    let known = |it: &PositionEncodingKind| match it.as_str() {
        "utf-8" => Some(Encoding::Utf8),
        "utf-16" => Some(Encoding::Utf16),
        _ => None,
    };
    offered.and_then(|it| it.iter().find_map(known)).unwrap_or_default()
}

/// The answer to `initialize`.
pub(super) fn initialize_result(params: &InitializeParams, caps: &ClientCaps) -> InitializeResult {
    let names_encodings =
        params.capabilities.general.as_ref().is_some_and(|it| it.position_encodings.is_some());
    let encoding = match caps.encoding {
        Encoding::Utf8 => PositionEncodingKind::UTF8,
        Encoding::Utf16 => PositionEncodingKind::UTF16,
    };
    let code_action = match caps.action_literals {
        true => CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![
                CodeActionKind::QUICKFIX,
                CodeActionKind::REFACTOR,
                CodeActionKind::EMPTY,
            ]),
            ..CodeActionOptions::default()
        }),
        // Without literals only commands may be sent; edits then travel through `workspace/applyEdit`.
        false => CodeActionProviderCapability::Simple(true),
    };
    InitializeResult {
        capabilities: ServerCapabilities {
            position_encoding: names_encodings.then_some(encoding),
            text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(TextDocumentSyncKind::INCREMENTAL),
                save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions {
                    include_text: Some(false),
                })),
                ..TextDocumentSyncOptions::default()
            })),
            hover_provider: Some(HoverProviderCapability::Simple(true)),
            references_provider: Some(OneOf::Left(true)),
            definition_provider: Some(OneOf::Left(true)),
            // Of flagline.toml and briefs.
            document_symbol_provider: Some(OneOf::Left(true)),
            document_formatting_provider: Some(OneOf::Left(true)),
            inlay_hint_provider: Some(OneOf::Left(true)),
            code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(false) }),
            // In flagline.toml and briefs.
            completion_provider: Some(CompletionOptions {
                trigger_characters: Some(["\"", "'", "[", "{", ".", "#"].map(str::to_owned).to_vec()),
                ..CompletionOptions::default()
            }),
            code_action_provider: Some(code_action),
            execute_command_provider: Some(ExecuteCommandOptions {
                commands: commands::NAMES.map(str::to_owned).to_vec(),
                ..ExecuteCommandOptions::default()
            }),
            workspace: Some(WorkspaceServerCapabilities {
                workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                    supported: Some(true),
                    change_notifications: Some(OneOf::Left(true)),
                }),
                file_operations: None,
            }),
            ..ServerCapabilities::default()
        },
        server_info: Some(ServerInfo {
            name: "flagline".into(),
            version: Some(env!("CARGO_PKG_VERSION").into()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn caps(client: Value) -> ClientCaps {
        ClientCaps::new(&serde_json::from_value(client).unwrap())
    }

    #[test]
    fn the_clients_first_known_encoding_wins() {
        for (offered, expect) in [
            (json!(["utf-8", "utf-16"]), Encoding::Utf8),
            (json!(["utf-32", "utf-16", "utf-8"]), Encoding::Utf16),
            (json!(["utf-32"]), Encoding::Utf16),
        ] {
            assert_eq!(caps(json!({ "general": { "positionEncodings": offered } })).encoding, expect);
        }
        assert_eq!(caps(json!({})).encoding, Encoding::Utf16);
    }

    #[test]
    fn a_client_that_says_nothing_gets_the_simplest_of_everything() {
        let it = caps(json!({}));
        assert_eq!(it.hover_markup, Markup::Plain);
        assert!(!it.document_changes && !it.progress && !it.watch_files && !it.show_document);
    }
}
