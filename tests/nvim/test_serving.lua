-- Starting, and what a person sees without asking.
local editor = require('editor')
local test = require('mini.test')
local child, expect = editor.child, test.expect

local T = test.new_set({ hooks = { post_case = editor.stop } })

T['attaches to sources, with the root of the repository'] = function()
  editor.start()
  editor.open('src/theme.ts')
  local client = child.lua_get([[vim.lsp.get_clients({ bufnr = 0, name = 'flagline' })[1].config.root_dir]])
  expect.equality(vim.uv.fs_realpath(client), vim.uv.fs_realpath(editor.app))
  -- The second file is served by the same server.
  editor.open('server/gifts.py')
  expect.equality(child.lua_get([[#vim.lsp.get_clients({ name = 'flagline' })]]), 1)
end

T['nothing is loaded before it is needed'] = function()
  editor.start()
  expect.equality(child.lua_get([[package.loaded.flagline == nil]]), true)
  expect.equality(child.fn.exists(':Flagline'), 2)
end

T['warns of an unknown and of a stale flag'] = function()
  editor.start()
  child.lua([[vim.diagnostic.config({ virtual_text = true })]])
  editor.open_checkout()
  local unknown = editor.warning('unknown-flag')
  expect.equality({ unknown.lnum, unknown.source, unknown.severity }, { 21, 'flagline', 2 })
  expect.equality(unknown.message, "Offset has no flag 'new-chekout'; did you mean 'new-checkout'?")
  local stale = editor.warning('stale-flag', 'on for everyone since 7 Aug 2026')
  expect.equality({ stale.lnum, stale.source, stale.severity }, { 8, 'flagline', 2 })
  editor.expect_screen('warnings')
end

T['hover shows the card of the flag'] = function()
  editor.start()
  editor.open_checkout()
  editor.cursor_on('project-videos')
  local card = editor.hover('% since')
  assert(card:find('project-videos', 1, true), card)
  editor.expect_screen('hover')
end

T['of TOML, only files of Flagline are served'] = function()
  editor.start()
  vim.fn.writefile({ '[package]' }, editor.app .. '/Cargo.toml')
  vim.fn.writefile({ '' }, editor.app .. '/flagline.toml')
  vim.fn.writefile({ '' }, editor.app .. '/.flagline/new-checkout.toml')
  editor.open('flagline.toml')
  editor.open('.flagline/new-checkout.toml')
  child.cmd('edit Cargo.toml')
  vim.uv.sleep(300)
  expect.equality(child.bo.filetype, 'toml')
  expect.equality(child.lua_get('#vim.lsp.get_clients({ bufnr = 0 })'), 0)
end

T['flagline.toml is checked, explained and completed'] = function()
  editor.start()
  vim.fn.writefile({ 'stale_dayz = 60', 'wrapper_names = ["useFlag"]', '' }, editor.app .. '/flagline.toml')
  editor.open('flagline.toml')
  local warning = editor.wait('what is wrong', 'return vim.diagnostic.get(0)[1]')
  expect.equality({ warning.lnum, warning.col, warning.end_col }, { 0, 0, 10 })
  assert(warning.message:find('stale_days', 1, true), warning.message)
  editor.cursor_on('wrapper_names')
  editor.hover("The team's own functions")
  child.api.nvim_win_set_cursor(0, { 3, 0 })
  child.type_keys('i', 'cl', '<C-x><C-o>')
  editor.wait('the completion', [[return vim.fn.getline(3):find('client_names', 1, true) ~= nil]])
end

T['settings reach the server'] = function()
  editor.start()
  child.lua([[
    local changed = { settings = { flagline = { staleDays = 200 } } }
    if vim.lsp.config then
      vim.lsp.config('flagline', changed)
    else
      require('flagline').setup({ lsp = changed })
    end
  ]])
  editor.open('src/Checkout.tsx')
  editor.warning('unknown-flag')
  editor.cursor_on('new-checkout')
  editor.hover('everyone since 7 Aug 2026 (110 days, by Ada)')
  expect.equality(child.lua_get('#vim.diagnostic.get(0)'), 1)
end

T['a missing program is told once, with what to do'] = function()
  editor.start({ before = [[vim.env.PATH = '/nowhere']] })
  child.cmd('edit src/theme.ts')
  local it = editor.told('there is no program `flagline`')
  expect.equality(it.level, vim.log.levels.WARN)
  child.cmd('edit src/Banner.tsx')
  child.cmd('edit server/gifts.py')
  vim.uv.sleep(200)
  expect.equality(child.lua_get('#_G.told'), 1)
end

T['signed out, it serves and claims nothing'] = function()
  editor.start({ signed_out = true })
  editor.open('src/Checkout.tsx')
  editor.cursor_on('new-checkout')
  local card = editor.hover('new-checkout')
  assert(card:find('[Ss]igned out') or card:find('FLAGLINE_API_KEY'), card)
  expect.equality(child.lua_get('#vim.diagnostic.get(0)'), 0)
end

T['a session ends without complaint, and the server with it'] = function()
  editor.start()
  editor.open_checkout()
  editor.cursor_on('project-videos')
  editor.hover('People in the last 7 days')
  editor.open('server/gifts.py')
  editor.warning('unknown-flag')
  expect.equality(child.lua_get('vim.tbl_filter(function(it) return it.level > vim.log.levels.INFO end, _G.told)'), {})
  local process = child.lua([[
    local client = vim.lsp.get_clients({ name = 'flagline' })[1]
    if vim.fn.has('nvim-0.11') == 1 then client:stop() else client.stop() end
    return client.id
  ]])
  editor.wait('the server to end', [[return vim.lsp.client_is_stopped(...)]], process)
end

return T
