if vim.g.loaded_flagline then
  return
end
vim.g.loaded_flagline = 1

vim.api.nvim_create_user_command('Flagline', function(args)
  require('flagline.commands').run(args.fargs, args.range > 0 and { args.line1, args.line2 } or nil)
end, {
  nargs = '*',
  range = true,
  desc = 'Feature flags: create, launch, promote, open, references, ...',
  complete = function(_, line)
    return require('flagline.commands').complete(line)
  end,
})

-- Code lenses and code actions carry these commands; they are for the editor, not for the server.
vim.lsp.commands['flagline.showReferences'] = function(command, context)
  require('flagline.commands').show_references(command, context)
end
vim.lsp.commands['flagline.newFeature'] = function(command, context)
  require('flagline.feature').run(command, context)
end
vim.lsp.commands['flagline.stopFeature'] = function(command, context)
  require('flagline.commands').stop_feature(command, context)
end

local group = vim.api.nvim_create_augroup('flagline', {})

vim.api.nvim_create_autocmd('LspAttach', {
  group = group,
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == 'flagline' and require('flagline').options().lens then
      require('flagline.lens').enable(event.buf)
    end
  end,
})

-- 0.10 has no vim.lsp.enable. 0.12 is silent when the program is missing.
if not vim.lsp.enable or vim.lsp.is_enabled then
  vim.api.nvim_create_autocmd('FileType', {
    group = group,
    pattern = { 'typescript', 'typescriptreact', 'javascript', 'javascriptreact', 'python', 'toml' },
    callback = function(event)
      local flagline = require('flagline')
      if not vim.lsp.enable then
        flagline.start(event.buf)
      elseif vim.lsp.is_enabled('flagline') and flagline.serves(event.buf) then
        flagline.has_program()
      end
    end,
  })
end
