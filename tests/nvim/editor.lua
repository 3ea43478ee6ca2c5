-- A Neovim to drive: a child with the plugin as its README installs it, a sandbox of its own, and the sample app.
local test = require('mini.test')

local root = vim.env.FLAGLINE_ROOT
local work = vim.env.FLAGLINE_WORK
local is_010 = vim.fn.has('nvim-0.11') == 0

local M = { child = test.new_child_neovim(), app = work .. '/app', is_010 = is_010 }
local child = M.child

--- The lines that the README says belong into init.lua.
local function init_file()
  local lines, inside = {}, false
  for _, line in ipairs(vim.fn.readfile(root .. '/editors/nvim/README.md')) do
    if line == '```' and inside then
      break
    elseif inside then
      table.insert(lines, (line:gsub('/path/to/flagline', root)))
    end
    inside = inside or line == '```lua'
  end
  assert(#lines > 0, 'README.md shows no init.lua')
  if is_010 then -- "On 0.10 leave out the last line."
    assert(table.remove(lines):find('vim.lsp.enable', 1, true))
  end
  local path = work .. '/init.lua'
  vim.fn.writefile(lines, path)
  return path
end

-- What leads to the sandbox: one for all cases.
local variables

local function start_sandbox()
  local text = ''
  vim.fn.jobstart({ 'flagline', 'sandbox' }, {
    on_stdout = function(_, data)
      text = text .. table.concat(data, '\n')
    end,
    on_stderr = function(_, data)
      io.stderr:write(table.concat(data, '\n'))
    end,
  })
  assert(vim.wait(20000, function()
    return text:find('FLAGLINE_PROJECT=%d+\n') ~= nil
  end, 10))
  variables = {}
  for name, value in text:gmatch('export (%S+)=(%S+)') do
    variables[name] = value
  end
end

--- Sends a request to the sandbox, as somebody else would.
---@param path string
---@param body? string JSON
function M.post(path, body)
  local answer = vim.system({
    'curl', '--silent', '--show-error', '--fail-with-body', '--header', 'Content-Type: application/json',
    '--header', 'Authorization: Bearer ' .. variables.FLAGLINE_API_KEY,
    '--data', body or '', variables.FLAGLINE_HOST .. path,
  }, { text = true }):wait()
  assert(answer.code == 0, answer.stderr .. answer.stdout)
end

-- Whether the case changes what is in the sandbox.
local writes = false

--- Starts the child in a fresh copy of the sample app. `before` is Lua that runs in its init.lua.
---@param options? { before?: string, signed_out?: boolean, writes?: boolean }
function M.start(options)
  options = options or {}
  vim.fn.delete(M.app, 'rf')
  vim.fn.delete(work .. '/home', 'rf')
  for _, folder in ipairs({ '/home/run', '/app/.git', '/app/.flagline' }) do
    vim.fn.mkdir(work .. folder, 'p')
  end
  vim.fn.system({ 'cp', '-r', root .. '/fixtures/sample-app/.', M.app })
  vim.fn.chdir(M.app)
  if not variables then
    start_sandbox()
  end
  for name, value in pairs(variables) do
    vim.env[name] = not options.signed_out and value or nil
  end
  writes = options.writes or false
  child.restart({ '--cmd', 'set lines=26 columns=96', '--cmd', 'lua ' .. (options.before or ''), '-u', init_file() })
  child.o.termguicolors = false
  child.lua('vim.diagnostic.config({ virtual_text = false })') -- 0.10 shows it unasked
  child.lua([[
    -- What a person would be told, and what the browser would open.
    _G.told, _G.opened, _G.choices = {}, {}, {}
    local notify = vim.notify
    vim.notify = function(message, level, ...)
      table.insert(_G.told, { message = message, level = level or vim.log.levels.INFO })
      if level ~= vim.log.levels.ERROR then notify(message, level, ...) end
    end
    local show_message = vim.lsp.handlers['window/showMessage']
    vim.lsp.handlers['window/showMessage'] = function(err, result, ...)
      table.insert(_G.told, { message = result.message, level = 5 - result.type })
      return show_message(err, result, ...)
    end
    vim.ui.open = function(url)
      table.insert(_G.opened, url)
      return { wait = function() return { code = 0 } end }
    end
    -- Questions are answered as M.answer says; what was asked, and with what suggestion, stays.
    _G.answers, _G.asked, _G.ui = {}, {}, { select = vim.ui.select, input = vim.ui.input }
    local function answer(prompt)
      for _, it in ipairs(_G.answers) do
        if prompt:find(it[1], 1, true) then return it[2] end
      end
    end
    vim.ui.select = function(items, options, choose)
      local format = options.format_item or tostring
      local prompt = options.prompt or ''
      _G.choices = vim.tbl_map(format, items)
      table.insert(_G.asked, { prompt, _G.choices })
      local wanted = answer(prompt)
      if wanted == nil then wanted = _G.choice end
      for i, item in ipairs(items) do
        if wanted and _G.choices[i]:find(wanted, 1, true) == 1 then return choose(item, i) end
      end
      choose(nil)
    end
    vim.ui.input = function(options, done)
      table.insert(_G.asked, { options.prompt, options.default or '' })
      local wanted = answer(options.prompt)
      if wanted == nil then wanted = options.default or '' end
      done(wanted or nil)
    end
  ]])
end

function M.stop()
  child.stop()
  if writes then
    M.post('/_sandbox/reset/')
  end
end

--- Waits until Lua that runs in the child gives something that is neither nil nor false, and returns that.
---@param what string
---@param code string
function M.wait(what, code, ...)
  local arguments = { ... }
  local result
  local came = vim.wait(15000, function()
    local good, answer = pcall(child.lua, code, arguments)
    result = answer
    return good and answer ~= nil and answer ~= vim.NIL and answer ~= false
  end, 30)
  if not came then
    error(('timeout: %s\nlast: %s\ntold: %s\nscreen:\n%s'):format(
      what,
      vim.inspect(result),
      vim.inspect(child.lua_get('_G.told')),
      tostring(child.get_screenshot())
    ))
  end
  return result
end

--- Opens a file and waits until the server serves it.
---@param file string
function M.open(file)
  child.cmd('edit ' .. file)
  M.wait('attach to ' .. file, [[
    local client = vim.lsp.get_clients({ bufnr = 0, name = 'flagline' })[1]
    return client and client.initialized
  ]])
end

--- Waits until this buffer has a warning of this code whose message holds this text, and returns it.
---@param code string
---@param text? string
function M.warning(code, text)
  return M.wait('a warning ' .. code, [[
    local code, text = ...
    for _, it in ipairs(vim.diagnostic.get(0)) do
      if it.code == code and it.message:find(text, 1, true) then
        return { lnum = it.lnum, col = it.col, message = it.message, source = it.source, severity = it.severity }
      end
    end
  ]], code, text or '')
end

--- Waits until the sample app's Checkout.tsx has all it will have: histories too.
function M.open_checkout()
  M.open('src/Checkout.tsx')
  M.warning('unknown-flag')
  M.warning('stale-flag', 'since 7 Aug 2026')
end

--- Puts the cursor on a text.
function M.cursor_on(text)
  assert(child.fn.search('\\V' .. text, 'cw') > 0, 'no ' .. text)
end

--- Runs the code action whose title begins so, picked from the real menu through vim.ui.select.
function M.act(title)
  child.lua('_G.choice = ...', { title })
  child.lua([[vim.lsp.buf.code_action()]])
end

--- Answers questions by a part of what they ask: `{ part, answer }`, where false goes away. What is asked besides gets
--- what is suggested; a choice that is asked besides goes away.
---@param answers [string, string|false][]
function M.answer(answers)
  child.lua('_G.answers, _G.asked = ..., {}', { answers })
end

--- What was asked since: `{ prompt, suggestion or choices }`.
function M.asked()
  return child.lua_get('_G.asked')
end

--- The lines of the buffer, from `first` (1-based) to `last`.
function M.lines(first, last)
  return child.api.nvim_buf_get_lines(0, first - 1, last, false)
end

--- Waits until something was told that holds this text, and returns it.
function M.told(text)
  return M.wait('to be told: ' .. text, [[
    for _, it in ipairs(_G.told) do
      if it.message:find(..., 1, true) then return it end
    end
  ]], text)
end

--- Asks for a hover at the cursor until it shows this text: what is not known yet comes a moment later.
function M.hover(text)
  return M.wait('a hover with ' .. text, [[
    local text = ...
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= '' then
        local lines = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false)
        local card = table.concat(lines, '\n')
        if card:find(text, 1, true) then return card end
        vim.api.nvim_win_close(window, true)
      end
    end
    vim.lsp.buf.hover()
    vim.wait(200, function() return #vim.api.nvim_list_wins() > 1 end, 10)
    return false
  ]], text)
end

local function read(path)
  local file = io.open(path)
  return file and file:read('*a'), file and file:close()
end

--- Compares the screen with tests/nvim/screenshots/<name>; on 0.10 with <name>-0.10, where it looks different there.
--- Ports and the folder of the run are always the same, and colours are Neovim's own, so they may change.
---@param name string
function M.expect_screen(name)
  local screenshot = child.get_screenshot()
  for _, line in ipairs(screenshot.text) do
    local text = table.concat(line)
    local clean = text:gsub('127%.0%.0%.1:%d%d%d%d%d', '127.0.0.1:54321')
    if clean ~= text then
      for i, it in ipairs(vim.fn.split(clean, '\\zs')) do
        line[i] = it
      end
    end
  end
  local path = ('%s/tests/nvim/screenshots/%s'):format(root, name)
  local for_010 = path .. '-0.10'
  if vim.env.UPDATE then
    vim.fn.delete(for_010)
    if is_010 then
      path = for_010
    else
      vim.fn.delete(path)
    end
    test.expect.reference_screenshot(screenshot, path)
    local function text(of)
      return ((read(of) or ''):gsub('\n\n.*', ''))
    end
    if is_010 and text(path) == text((path:gsub('%-0%.10$', ''))) then
      vim.fn.delete(for_010)
    end
    return
  end
  if is_010 and vim.uv.fs_stat(for_010) then
    path = for_010
  end
  assert(vim.uv.fs_stat(path), 'no ' .. path .. '; UPDATE=1 tests/nvim/run makes it')
  test.expect.reference_screenshot(screenshot, path, { ignore_attr = true })
end

return M
