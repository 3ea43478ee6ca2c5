-- What `vim.lsp.enable('flagline')` starts; `vim.lsp.config('flagline', { ... })` goes over it.
return {
  cmd = { 'flagline', 'lsp' },
  filetypes = { 'typescript', 'typescriptreact', 'javascript', 'javascriptreact', 'python', 'toml' },
  root_markers = { 'flagline.toml', '.flagline', '.git' },
  root_dir = function(bufnr, on_dir)
    require('flagline').root_dir(bufnr, on_dir)
  end,
  capabilities = {
    experimental = {
      flagline = { status = true, pick = true },
      commands = { commands = { 'flagline.showReferences', 'flagline.newFeature', 'flagline.stopFeature' } },
    },
  },
  -- Settings may stand in `settings.flagline` alone: the server wants them with its first message.
  before_init = function(params, config)
    params.initializationOptions = config.init_options or vim.tbl_get(config, 'settings', 'flagline')
  end,
  on_exit = function(_, _, client_id)
    require('flagline').on_exit(client_id)
  end,
  handlers = {
    ['flagline/status'] = function(_, status, context)
      require('flagline').on_status(context.client_id, status)
    end,
    ['flagline/pick'] = function(_, choices)
      return require('flagline.talk').pick(choices)
    end,
  },
}
