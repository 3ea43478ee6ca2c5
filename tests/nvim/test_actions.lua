-- Code actions, through Neovim's own menu.
local editor = require('editor')
local test = require('mini.test')
local child, expect = editor.child, test.expect

local T = test.new_set({ hooks = { post_case = editor.stop } })

T['a mistyped key becomes the key that was meant'] = function()
  editor.start()
  editor.open_checkout()
  editor.cursor_on('new-chekout')
  editor.act("Change to 'new-checkout'")
  editor.wait('the change', [[return vim.fn.getline(22):find("'new-checkout'", 1, true) ~= nil]])
  editor.wait('one stale read more, none unknown', [[
    local counts = {}
    for _, it in ipairs(vim.diagnostic.get(0)) do counts[it.code] = (counts[it.code] or 0) + 1 end
    return counts['stale-flag'] == 2 and not counts['unknown-flag']
  ]])
  -- The menu, as Neovim showed it.
  local choices = table.concat(child.lua_get('_G.choices'), '\n')
  assert(choices:find("Create feature 'new-chekout'", 1, true), choices)
end

T['a stale flag is removed, and the kept branch moves out'] = function()
  editor.start()
  editor.open_checkout()
  editor.cursor_on('new-checkout')
  editor.act("Remove flag 'new-checkout'")
  editor.wait('the removal', [[return vim.fn.getline(9) == '    startCheckout(cart)']])
  expect.equality(editor.lines(8, 10), { '  function pay() {', '    startCheckout(cart)', '  }' })
  editor.wait('its warning gone, the other in its new place', [[
    local left = vim.diagnostic.get(0)
    return #left == 1 and left[1].code == 'unknown-flag' and left[1].lnum == 17
  ]])
  child.lua([[vim.api.nvim_win_set_cursor(0, { 1, 0 })]])
  editor.expect_screen('removed')
end

T['a feature is created from an unknown key'] = function()
  editor.start({ writes = true })
  editor.open('server/gifts.py')
  editor.warning('unknown-flag', 'gift-wrapping')
  editor.cursor_on('gift-wrapping')
  editor.answer({ { 'Release', 'In stages' }, { 'Key metric', 'None yet' } })
  editor.act("Create feature 'gift-wrapping'")
  local it = editor.told("'gift-wrapping' has a brief now")
  expect.equality(it.level, vim.log.levels.INFO + 0)
  -- The key stays as the code has it.
  expect.equality(editor.asked()[3], { "Key of the feature's flag: ", 'gift-wrapping' })
  editor.wait('the brief', [[return vim.api.nvim_buf_get_name(0):find('/.flagline/gift-wrapping.toml', 1, true)]])
end

return T
