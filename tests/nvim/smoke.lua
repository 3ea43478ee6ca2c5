-- In the sample app, as a person would: attach, see warnings, hover, create a feature, remove a flag, quit.
local function fail(message)
  io.stderr:write('FAIL ' .. message .. '\n')
  os.exit(1)
end

local function wait(what, condition)
  if not vim.wait(20000, condition, 20) then
    fail('timeout: ' .. what)
  end
end

local config = {
  name = 'flagline',
  cmd = { vim.env.FLAGLINE_BINARY, 'lsp' },
  filetypes = { 'typescript', 'typescriptreact', 'javascript', 'javascriptreact', 'python' },
  root_dir = vim.uv.cwd(),
}

vim.cmd('filetype on')
local function open(file)
  vim.cmd.edit(file)
  if not vim.lsp.config then -- 0.10
    vim.lsp.start(config)
  end
  local buffer = vim.api.nvim_get_current_buf()
  wait('attach to ' .. file, function()
    local client = vim.lsp.get_clients({ bufnr = buffer, name = 'flagline' })[1]
    return client ~= nil and client.initialized
  end)
  return buffer
end

if vim.lsp.config then -- 0.11 and later
  vim.lsp.config('flagline', config)
  vim.lsp.enable('flagline')
end

local function codes(buffer)
  local found = {}
  for _, it in ipairs(vim.diagnostic.get(buffer)) do
    found[it.code] = it
  end
  return found
end

local function cursor_on(text)
  if vim.fn.search('\\V' .. text, 'cw') == 0 then
    fail('no ' .. text .. ' in ' .. vim.api.nvim_buf_get_name(0))
  end
end

local messages = {}
local show_message = vim.lsp.handlers['window/showMessage']
vim.lsp.handlers['window/showMessage'] = function(err, result, context, ...)
  table.insert(messages, result.message)
  return show_message(err, result, context, ...)
end

-- Warnings, with code, place and link.
local buffer = open('src/Checkout.tsx')
wait('warnings', function()
  local found = codes(buffer)
  -- Until the flag's history is there, its message says "for at least".
  return found['unknown-flag'] and found['stale-flag'] and found['stale-flag'].message:find('on for everyone since', 1, true)
end)
local stale = codes(buffer)['stale-flag']
assert(stale.lnum == 8 and stale.source == 'flagline', vim.inspect(stale))

-- Hover, through the user's own key: a window opens and shows the card.
local function float()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then
      return window
    end
  end
end
local card
wait('a hover with people', function()
  cursor_on('new-checkout')
  vim.lsp.buf.hover()
  vim.wait(500, float, 20)
  local window = float()
  if not window then
    return false
  end
  card = table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false), '\n')
  vim.api.nvim_win_close(window, true)
  return card:find('People in the last 7 days', 1, true) ~= nil
end)
assert(card:find('everyone since', 1, true), card)

-- Remove the stale flag: the condition goes, the kept branch moves out.
cursor_on('new-checkout')
vim.lsp.buf.code_action({
  apply = true,
  filter = function(action)
    return action.title:find('^Remove flag') ~= nil
  end,
})
wait('the removal', function()
  return vim.api.nvim_buf_get_lines(buffer, 8, 9, false)[1] == '    startCheckout(cart)'
end)
wait('the warning gone', function()
  return codes(buffer)['stale-flag'] == nil
end)

-- Create a feature from an unknown key.
buffer = open('server/gifts.py')
wait('an unknown flag', function()
  return codes(buffer)['unknown-flag'] ~= nil
end)
cursor_on('gift-wrapping')
vim.lsp.buf.code_action({
  apply = true,
  filter = function(action)
    return action.title == "Create feature 'gift-wrapping'"
  end,
})
wait('the feature', function()
  return #messages > 0
end)
assert(messages[1]:find('flag created', 1, true), messages[1])
wait('the flag known', function()
  return codes(buffer)['unknown-flag'] == nil
end)

-- The server ends with the editor.
local client = vim.lsp.get_clients({ name = 'flagline' })[1]
if vim.fn.has('nvim-0.11') == 1 then
  client:stop()
else
  client.stop()
end
wait('the server to end', function()
  return client.is_stopped(client)
end)
io.stdout:write('\nwarnings, hover, removal, creation: fine\n')
vim.cmd('qa!')
