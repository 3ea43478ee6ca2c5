-- Code lenses, for those who asked for them: `vim.g.flagline = { lens = true }`.
local M = {}

---@param bufnr integer
function M.enable(bufnr)
  if vim.lsp.codelens.enable then -- 0.12 asks by itself from then on
    return vim.lsp.codelens.enable(true, { bufnr = bufnr })
  end
  local function refresh()
    if vim.api.nvim_buf_is_loaded(bufnr) and require('flagline').client(bufnr) then
      vim.lsp.codelens.refresh({ bufnr = bufnr })
    end
  end
  refresh()
  vim.api.nvim_create_autocmd({ 'BufEnter', 'InsertLeave', 'TextChanged', 'CursorHold' }, {
    group = vim.api.nvim_create_augroup('flagline-lens-' .. bufnr, {}),
    buffer = bufnr,
    callback = refresh,
  })
  -- 0.10 and 0.11 do not answer the server's wish to ask again; its status changes at those times.
  vim.api.nvim_create_autocmd('User', {
    group = vim.api.nvim_create_augroup('flagline-lens-status-' .. bufnr, {}),
    pattern = 'FlaglineStatus',
    callback = refresh,
  })
end

return M
