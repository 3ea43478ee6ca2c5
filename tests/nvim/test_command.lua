-- :Flagline, :checkhealth flagline, the status, and the help.
local editor = require('editor')
local test = require('mini.test')
local child, expect = editor.child, test.expect

local T = test.new_set({ hooks = { post_case = editor.stop } })

local function completion(line)
  return child.fn.getcompletion(line, 'cmdline')
end

T['completes subcommands, and keys that the file reads'] = function()
  editor.start()
  editor.open_checkout()
  expect.equality(completion('Flagline '), {
    'clean', 'create', 'features', 'finish', 'follow', 'launch', 'log', 'open', 'promote', 'references', 'refresh', 'restart',
    'resume', 'review', 'rollback', 'show', 'status', 'stop', 'unfollow',
  })
  expect.equality(completion('Flagline re'), { 'references', 'refresh', 'restart', 'resume', 'review' })
  expect.equality(completion('Flagline open '), { 'new-checkout', 'new-chekout', 'pricing-page', 'project-videos' })
  expect.equality(completion('Flagline create new-che'), { 'new-checkout', 'new-chekout' })
  expect.equality(completion('Flagline launch new-che'), { 'new-checkout', 'new-chekout' })
  for _, name in ipairs({ 'promote', 'stop', 'resume', 'rollback', 'finish', 'review' }) do
    expect.equality(completion('Flagline ' .. name .. ' new-che'), { 'new-checkout', 'new-chekout' })
  end
  expect.equality(completion('Flagline clean new-checkout '), { 'off', 'on' })
  expect.equality(completion('Flagline refresh '), {})
  child.type_keys(':Flagline ', '<Tab>')
  editor.expect_screen('completion')
end

T['open leads to the page of the flag'] = function()
  editor.start()
  editor.open_checkout()
  editor.cursor_on('project-videos')
  child.cmd('Flagline open')
  local url = editor.wait('a page', 'return _G.opened[1]')
  assert(url:find('/project/1/feature_flags/%d+$'), url)
  child.cmd('Flagline open new-checkout')
  local other = editor.wait('another page', 'return _G.opened[2]')
  assert(other:find('/project/1/feature_flags/%d+$') and other ~= url, other)
  child.lua('vim.api.nvim_win_set_cursor(0, { 3, 0 })')
  child.cmd('Flagline open')
  local all = editor.wait('the list', 'return _G.opened[3]')
  assert(all:find('/project/1/feature_flags/?$'), all)
end

T['features opens the page of all features'] = function()
  editor.start()
  editor.open_checkout()
  child.cmd('Flagline features')
  local url = editor.wait('a page', 'return _G.opened[1]')
  assert(url:find('^file:///.*/flagline/pages/status%-%x+%.html$'), url)
end

T['status tells the project, and statuslines get a few words'] = function()
  editor.start()
  expect.equality(child.lua_get([[require('flagline').status()]]), '')
  editor.open('src/theme.ts')
  editor.wait('the project', [[return require('flagline').status() == 'Flagline: Offset']])
  child.cmd('Flagline status')
  local it = editor.told('ready')
  assert(it.message:find('Offset (project 1)', 1, true), it.message)
  assert(it.message:find('%d+ flags · fetched 2026%-11%-25T12:00:00Z'), it.message)
  child.lua([[
    vim.o.laststatus = 2
    vim.o.statusline = "%f %= %{v:lua.require'flagline'.status()}"
  ]])
  editor.expect_screen('statusline')
end

T['status says what is wrong'] = function()
  editor.start({ signed_out = true })
  editor.open('src/theme.ts')
  editor.wait('signed out', [[return require('flagline').status() == 'Flagline: signed out']])
  child.cmd('Flagline status')
  editor.told('signed out')
end

T['references fill the quickfix list'] = function()
  editor.start()
  editor.open_checkout()
  editor.cursor_on('new-chekout')
  editor.act("Change to 'new-checkout'")
  editor.wait('the change', [[return vim.fn.getline(22):find("'new-checkout'", 1, true) ~= nil]])
  editor.wait('two stale reads', 'return #vim.diagnostic.get(0) == 2 and vim.diagnostic.get(0)[2].code == "stale-flag"')
  child.cmd('Flagline references')
  editor.wait('the list', [[return #vim.fn.getqflist() == 2]])
  expect.equality(child.fn.getqflist({ title = true }).title, "Reads of 'new-checkout'")
  expect.equality(vim.tbl_map(function(it) return it.lnum end, child.fn.getqflist()), { 9, 22 })
  editor.expect_screen('references')
end

T['refresh brings what somebody else made'] = function()
  editor.start({ writes = true })
  editor.open('server/gifts.py')
  editor.warning('unknown-flag', 'gift-wrapping')
  local filters = '{"groups": [{"properties": [], "rollout_percentage": 50}]}'
  editor.post('/api/projects/1/feature_flags/', '{"key": "gift-wrapping", "active": true, "filters": ' .. filters .. '}')
  child.cmd('Flagline refresh')
  editor.wait('the flag known', 'return #vim.diagnostic.get(0) == 0')
end

T['a code lens tells who meets the flag, and lists its reads'] = function()
  editor.start()
  child.lua([[vim.g.flagline = { lens = true }]])
  editor.open_checkout()
  editor.wait('lenses', [[
    -- 0.10 does not heed the server when more is known.
    if vim.fn.has('nvim-0.12') == 0 then vim.lsp.codelens.refresh({ bufnr = 0 }) end
    local titles = {}
    for _, it in ipairs(vim.lsp.codelens.get(vim.fn.has('nvim-0.12') == 1 and { bufnr = 0 } or 0)) do
      titles[(it.lens or it).command.title] = true
    end
    return titles['everyone · 245 people · 1 read'] and titles['new-chekout: unknown · 1 read']
  ]])
  editor.cursor_on('function pay')
  editor.expect_screen('lens')
  -- The other one there removes the flag.
  child.lua([[
    vim.ui.select = function(items, _, choose) choose(items[1], 1) end
    vim.lsp.codelens.run()
  ]])
  editor.wait('the list', [[return #vim.fn.getqflist() > 0]])
  expect.equality(child.fn.getqflist()[1].lnum, 9)
end

T['show prints the card of a flag that stands elsewhere'] = function()
  editor.start()
  editor.open('src/theme.ts')
  for key, words in pairs({ ['project-videos'] = '2/4 beta, 40 %', ['new-checkuot'] = 'new-checkout' }) do
    child.cmd('Flagline show ' .. key)
    editor.wait('the card of ' .. key, [[
      for _, window in ipairs(vim.api.nvim_list_wins()) do
        local text = table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false), '\n')
        if text:find(..., 1, true) then return true end
      end
    ]], words)
  end
end

T['restart brings a killed server back'] = function()
  editor.start()
  editor.open_checkout()
  child.cmd('vsplit server/gifts.py')
  editor.warning('unknown-flag', 'gift-wrapping')
  local function server()
    return child.lua([[
      for _, process in ipairs(vim.api.nvim_get_proc_children(vim.fn.getpid())) do
        local info = vim.api.nvim_get_proc(process)
        if info and info.name == 'flagline' then return process end
      end
    ]])
  end
  local killed = server()
  vim.uv.kill(killed, 'sigkill')
  editor.wait('the end', [[return #vim.lsp.get_clients({ name = 'flagline' }) == 0]])
  child.cmd('Flagline status')
  editor.told('not running for this buffer')
  child.cmd('Flagline restart')
  editor.wait('both buffers served', [[
    local client = vim.lsp.get_clients({ name = 'flagline' })[1]
    return client and client.initialized and vim.tbl_count(client.attached_buffers) == 2
  ]])
  assert(server() ~= killed)
  editor.warning('unknown-flag', 'gift-wrapping')
  -- One that runs is ended first.
  local before = server()
  child.cmd('Flagline restart')
  editor.wait('another server', [[
    local client = vim.lsp.get_clients({ name = 'flagline' })[1]
    return client and client.initialized and vim.tbl_count(client.attached_buffers) == 2
  ]])
  editor.wait('the old one gone', ('return not vim.api.nvim_get_proc(%d)'):format(before))
end

T['a server that is gone leaves no warnings, in no buffer'] = function()
  editor.start()
  vim.fn.writefile({ 'no_such_key = 1' }, editor.app .. '/flagline.toml')
  editor.open('src/Checkout.tsx')
  -- This file is not open: its warnings lie in a buffer that no server is attached to.
  local function warnings()
    return child.lua_get('#vim.diagnostic.get(vim.fn.bufadd("flagline.toml"))')
  end
  local function warned()
    editor.wait('a warning in flagline.toml', 'return #vim.diagnostic.get(vim.fn.bufadd("flagline.toml")) > 0')
  end
  warned()
  for _ = 1, 2 do
    local before = child.lua_get([[vim.lsp.get_clients({ name = 'flagline' })[1].id]])
    child.cmd('Flagline restart')
    editor.wait('another server', [[
      local client = vim.lsp.get_clients({ name = 'flagline' })[1]
      return client and client.initialized and client.id ~= ...
    ]], before)
    warned()
    vim.uv.sleep(300)
    expect.equality(warnings(), 1)
  end
  -- Repaired, there is nothing left.
  vim.fn.writefile({ 'stale_days = 30' }, editor.app .. '/flagline.toml')
  child.cmd('Flagline restart')
  editor.warning('unknown-flag')
  expect.equality(warnings(), 0)
  -- One that crashes takes its warnings along.
  child.lua([[
    for _, process in ipairs(vim.api.nvim_get_proc_children(vim.fn.getpid())) do
      local info = vim.api.nvim_get_proc(process)
      if info and info.name == 'flagline' then vim.uv.kill(process, 'sigkill') end
    end
  ]])
  editor.wait('the end', [[return #vim.lsp.get_clients({ name = 'flagline' }) == 0]])
  editor.wait('no warnings', 'return #vim.diagnostic.get() == 0')
end

T['create and open say which folder is meant'] = function()
  editor.start()
  editor.open('src/theme.ts')
  editor.wait('the project', [[return require('flagline').status() == 'Flagline: Offset']])
  child.lua([[
    _G.sent = {}
    local client = vim.lsp.get_clients({ name = 'flagline' })[1]
    local request = client.rpc.request
    client.rpc.request = function(method, params, ...)
      if method == 'workspace/executeCommand' then table.insert(_G.sent, params) end
      return request(method, params, ...)
    end
  ]])
  child.cmd('Flagline open dark-mode')
  editor.wait('a page', 'return _G.opened[1]')
  child.cmd('Flagline create ä')
  editor.told("feature 'ä' is not created")
  local uri = child.lua_get('vim.uri_from_bufnr(0)')
  expect.equality(child.lua_get('_G.sent'), {
    { command = 'flagline.open', arguments = { { key = 'dark-mode', uri = uri } } },
    { command = 'flagline.createFeature', arguments = { { key = 'ä', uri = uri } } },
  })
end

T['checkhealth tells what is there, and never the key'] = function()
  editor.start()
  editor.open_checkout()
  editor.wait('the project', [[return require('flagline').status() == 'Flagline: Offset']])
  child.cmd('checkhealth flagline')
  local report = table.concat(child.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  for _, it in ipairs({
    'flagline %d+%.%d+%.%d+ %(.*/bin/flagline%)',
    'running for 1 buffer',
    'root: .*/app',
    'production: ready · Offset %(project 1%)',
    'FLAGLINE_API_KEY: set',
    'FLAGLINE_PROJECT: 1',
    'lsp%.log',
  }) do
    assert(report:find(it), it .. ' is missing in:\n' .. report)
  end
  assert(not report:find(vim.env.FLAGLINE_API_KEY, 1, true), report)
  assert(not report:find('ERROR') and not report:find('WARN'), report)
end

T['checkhealth tells what is missing'] = function()
  editor.start({ signed_out = true, before = [[vim.env.PATH = '/nowhere']] })
  child.cmd('checkhealth flagline')
  local report = table.concat(child.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  assert(report:find('there is no program `flagline`', 1, true), report)
  assert(report:find('FLAGLINE_API_KEY: not set', 1, true), report)
end

T['log opens what the server wrote'] = function()
  editor.start()
  editor.open('src/theme.ts')
  child.cmd('Flagline log')
  assert(child.api.nvim_buf_get_name(0):find('lsp%.log$'))
  expect.equality(child.bo.modifiable, false)
end

T['wrong subcommands are told'] = function()
  editor.start()
  child.cmd('Flagline remove')
  editor.told("no subcommand 'remove'")
  child.cmd('Flagline refresh now')
  editor.told(":Flagline refresh does not take 'now'")
  child.cmd('Flagline create')
  editor.told('not running for this buffer')
end

T['the help has its tags'] = function()
  editor.start()
  local doc = vim.fn.tempname()
  vim.fn.mkdir(doc, 'p')
  vim.fn.system({ 'cp', vim.env.FLAGLINE_ROOT .. '/editors/nvim/doc/flagline.txt', doc })
  child.cmd('helptags ' .. doc)
  local tags = table.concat(vim.fn.readfile(doc .. '/tags'), '\n')
  for _, it in ipairs({ 'flagline.txt', 'flagline-install', ':Flagline', ':Flagline-create', 'flagline-health' }) do
    assert(tags:find(it, 1, true), it)
  end
  for _, it in ipairs(completion('Flagline ')) do
    assert(tags:find(':Flagline-' .. it, 1, true), 'no help for ' .. it)
  end
  for i, line in ipairs(vim.fn.readfile(doc .. '/flagline.txt')) do
    assert(vim.fn.strdisplaywidth(line) <= 80, ('line %d is longer than 80'):format(i))
  end
end

return T
