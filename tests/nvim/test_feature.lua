-- A feature: created from what stands in the code, and launched from its brief.
local editor = require('editor')
local test = require('mini.test')
local child, expect = editor.child, test.expect

local T = test.new_set({ hooks = { post_case = editor.stop } })

local function in_brief(key)
  editor.wait('the brief of ' .. key, [[
    local client = vim.lsp.get_clients({ bufnr = 0, name = 'flagline' })[1]
    return vim.endswith(vim.api.nvim_buf_get_name(0), '/.flagline/' .. ... .. '.toml') and client and client.initialized
  ]], key)
end

local function brief(key)
  return table.concat(vim.fn.readfile(('%s/.flagline/%s.toml'):format(editor.app, key)), '\n')
end

local function has_brief(key)
  return vim.uv.fs_stat(('%s/.flagline/%s.toml'):format(editor.app, key)) ~= nil
end

local function expect_lines(key, lines)
  local text = '\n' .. brief(key) .. '\n'
  for _, line in ipairs(lines) do
    assert(text:find('\n' .. line .. '\n', 1, true), line .. ' is missing in:\n' .. text)
  end
end

T['from a selection to its first stage'] = function()
  editor.start({ writes = true })
  editor.open_checkout()
  child.lua([[vim.g.flagline = { lens = true }]])
  editor.cursor_on('<button')
  editor.answer({
    { 'name', 'Offset at once' },
    { 'Release', 'In stages' },
    { 'Key metric', 'None yet' },
    { 'Wrap the selection', 'Yes' },
  })
  child.type_keys('V', ':Flagline create<CR>')
  editor.told("'offset-at-once' has a brief now")
  in_brief('offset-at-once')
  local prompts = vim.tbl_map(function(it) return it[1] end, editor.asked())
  expect.equality(prompts, {
    "The feature's name: ",
    "Key of the feature's flag: ",
    'What will come of it? Enter leaves it out: ',
    'Release',
    'Key metric',
    'Wrap the selection (with useFeatureFlagEnabled)?',
  })
  -- A person says what is meant, and launches it.
  editor.cursor_on('# hypothesis')
  child.type_keys('cc', 'hypothesis = "Who need not confirm offsets more"', '<Esc>', ':silent write<CR>', 'gg')
  editor.wait('a lens', [[
    if vim.fn.has('nvim-0.12') == 0 then vim.lsp.codelens.refresh({ bufnr = 0 }) end
    for _, it in ipairs(vim.lsp.codelens.get(vim.fn.has('nvim-0.12') == 1 and { bufnr = 0 } or 0)) do
      if ((it.lens or it).command or {}).title == 'Launch' then return true end
    end
  ]])
  child.cmd('cd . | echo') -- the file's name from there
  editor.expect_screen('brief')
  editor.answer({ { "launching 'offset-at-once'", 'Launch' } })
  child.cmd('Flagline launch')
  editor.told("'offset-at-once' is launched, in its first stage")
  -- The code asks for it already.
  child.cmd('buffer Checkout.tsx')
  child.cmd('silent write')
  editor.cursor_on("'offset-at-once'")
  editor.wait('it known', [[
    return not vim.iter(vim.diagnostic.get(0)):any(function(it) return it.message:find('offset-at-once', 1, true) end)
  ]])
  editor.hover('7 days')
  local card = editor.hover('% since')
  assert(card:find('1/2 internal, 100 %', 1, true), card)
  child.cmd('echo')
  editor.expect_screen('launched')
end


local function prompts()
  return vim.tbl_map(function(it) return vim.trim(it[1]) end, editor.asked())
end

T['a rollout is promoted, stopped with a reason, and resumed'] = function()
  editor.start({ writes = true })
  editor.open_checkout()
  child.cmd('Flagline create offset-once')
  in_brief('offset-once')
  editor.answer({ { "launching 'offset-once'", 'Launch' } })
  child.cmd('Flagline launch')
  editor.told("'offset-once' is launched, in its first stage")
  editor.answer({ { "promoting 'offset-once'", 'Promote Anyway' } })
  child.cmd('Flagline promote')
  editor.told("'offset-once' is promoted: opens everyone at 5 %")
  local question = editor.asked()[1]
  assert(question[1]:find('This speaks against it: 5 more people to meet it', 1, true), question[1])
  expect.equality(question[2], { 'Promote Anyway' })
  -- Going away from the reason stops nothing.
  editor.answer({ { "Why is 'offset-once' stopped?", false } })
  child.cmd('Flagline stop')
  editor.wait('to be asked why', 'return #_G.asked == 1')
  editor.answer({ { "Why is 'offset-once' stopped?", 'carts are lost' }, { "stopping 'offset-once'", 'Stop' } })
  child.cmd('Flagline stop')
  editor.told("'offset-once' is stopped: closes everyone; internal stays")
  editor.cursor_on('"offset-once"')
  child.cmd('echo | redraw')
  local card = editor.hover('Stopped at everyone: carts are lost')
  assert(card:find('flagline resume offset-once', 1, true), card)
  editor.answer({ { "resuming 'offset-once'", 'Resume' } })
  child.cmd('Flagline resume offset-once')
  editor.told("'offset-once' is resumed: lifts the stop of everyone (carts are lost)")
  editor.answer({ { "promoting 'offset-once'", 'Promote Anyway' } })
  child.cmd('Flagline promote')
  editor.wait('it promoted again', [[
    return #vim.tbl_filter(function(it)
      return vim.startswith(it.message, "Flagline: 'offset-once' is promoted")
    end, _G.told) == 2
  ]])
  editor.answer({ { 'which stage', 'internal' }, { 'rolling back', 'Roll Back' } })
  child.cmd('Flagline rollback')
  editor.told("'offset-once' is rolled back: closes everyone; internal stays")
  child.cmd('Flagline review')
  editor.told("'offset-once' is not reviewed: it is still on its way")
end

T['what is answered stands in the brief'] = function()
  editor.start()
  editor.open('src/theme.ts')
  editor.wait('the project', [[return require('flagline').status() == 'Flagline: Offset']])
  editor.answer({
    { 'name', ' Pâté, Öl & more ' },
    { 'What will come', 'It sells' },
    { 'Release', 'A/B test' },
    { 'Key metric', 'Funnel' },
    { 'First step', 'purchase' },
    { ' → next step', '' },
  })
  child.cmd('Flagline create')
  in_brief('pate-oel-more')
  expect_lines('pate-oel-more', {
    'key = "pate-oel-more"',
    'name = "Pâté, Öl & more"',
    'owner = "ada@offset.example"',
    'hypothesis = "It sells"',
    'release = "ab-test"',
    '[metric]',
    'kind = "funnel"',
    'events = ["purchase"]',
  })
end

T['going away from any question creates nothing'] = function()
  editor.start()
  editor.open_checkout()
  local answers = {
    { 'name', 'Gone' },
    { 'Key of', 'gone' },
    { 'What will come', '' },
    { 'Release', 'In stages' },
    { 'Key metric', 'Trend' },
    { 'Event that', '$pageview' },
    { 'Wrap the selection', 'Yes' },
  }
  for i = 1, #answers do
    local given = vim.deepcopy(answers)
    given[i][2] = false
    editor.answer(given)
    editor.cursor_on('<button')
    child.type_keys('V', ':Flagline create<CR>')
    editor.wait('question ' .. i, ('return #_G.asked == %d'):format(i))
  end
  vim.uv.sleep(300)
  expect.equality(has_brief('gone'), false)
  expect.equality(child.bo.modified, false)
  expect.equality(child.lua_get('_G.told'), {})
end

T['questions of plugins are answered later'] = function()
  editor.start()
  editor.open_checkout()
  child.lua([[
    local input, select = vim.ui.input, vim.ui.select
    vim.ui.input = function(...) vim.schedule_wrap(input)(...) end
    vim.ui.select = function(...) vim.schedule_wrap(select)(...) end
  ]])
  editor.answer({ { 'name', 'Later' }, { 'Release', 'In stages' }, { 'Key metric', false } })
  child.cmd('Flagline create')
  editor.wait('the last question', [[return #_G.asked == 5]])
  editor.answer({ { 'name', 'Later' }, { 'Release', 'In stages' }, { 'Key metric', 'None' } })
  child.cmd('Flagline create')
  in_brief('later')
  expect.equality(child.lua_get('#vim.tbl_filter(function(it) return it.level > 2 end, _G.told)'), 0)
end

T['a key that PostHog does not take is asked for again'] = function()
  editor.start()
  editor.open('src/theme.ts')
  editor.answer({ { 'Key of', 'not a key' }, { 'Letters, digits', false } })
  child.cmd('Flagline create')
  editor.wait('the second question', [[return #_G.asked == 3]])
  expect.equality(editor.asked()[3], { 'Letters, digits, - and _, 400 at most: ', 'not a key' })
end

T['a name that is typed makes a key that no flag has'] = function()
  editor.start()
  editor.open('src/theme.ts')
  editor.wait('the project', [[return require('flagline').status() == 'Flagline: Offset']])
  editor.answer({ { 'name', 'New checkout' }, { 'Key of', false } })
  child.cmd('Flagline create')
  editor.wait('the key to be asked', [[return #_G.asked == 2]])
  expect.equality(editor.asked()[2], { "Key of the feature's flag: ", 'new-checkout-2' })
end

T['the action wraps what is selected, a part of a line too'] = function()
  editor.start()
  editor.open_checkout()
  editor.cursor_on('<button')
  editor.answer({ { 'name', 'Offset now' }, { 'Release', 'In stages' }, { 'Key metric', 'None' }, { 'Wrap', 'Yes' } })
  child.type_keys('vat')
  editor.act('Create a feature from the selection…')
  in_brief('offset-now')
  child.cmd('buffer Checkout.tsx')
  expect.equality(editor.lines(25, 25), { '      {offsetNowEnabled && <button onClick={pay}>Offset now</button>}' })
end

T['code that cannot be wrapped stays, and it says why'] = function()
  editor.start()
  editor.open_checkout()
  editor.answer({ { 'name', 'Checkout' }, { 'Release', 'In stages' }, { 'Key metric', 'None' } })
  editor.cursor_on('startOldCheckout }')
  child.type_keys('V', ':Flagline create<CR>')
  editor.told('the selection is not wrapped')
  in_brief('checkout')
  child.cmd('buffer Checkout.tsx')
  expect.equality(child.bo.modified, false)
end

T['with a key nothing is asked'] = function()
  editor.start()
  editor.open_checkout()
  editor.cursor_on('<button')
  child.type_keys('vat', ':Flagline create offset-now<CR>')
  in_brief('offset-now')
  expect_lines('offset-now', { 'name = "Offset now"' })
  expect.equality(editor.asked(), {})
  child.cmd('buffer Checkout.tsx')
  expect.equality(editor.lines(25, 25), { '      {offsetNowEnabled && <button onClick={pay}>Offset now</button>}' })
  -- There is one now, which is shown.
  child.cmd('Flagline create offset-now')
  in_brief('offset-now')
end

T['launch means the flag at the cursor, or asks'] = function()
  editor.start()
  editor.open('server/gifts.py')
  editor.warning('unknown-flag', 'gift-wrapping')
  child.cmd('Flagline create gift-wrapping')
  in_brief('gift-wrapping')
  expect.equality(child.fn.getcompletion('Flagline launch ', 'cmdline'), { 'gift-wrapping' })
  child.cmd('buffer gifts.py')
  editor.cursor_on('gift-wrapping')
  child.cmd('Flagline launch')
  editor.wait('the question', [[return #_G.asked == 1]])
  assert(editor.asked()[1][1]:find("launching 'gift-wrapping'", 1, true))
  expect.equality(editor.asked()[1][2], { 'Launch', 'Make It, Leave It Off', 'Show Plan' })
  child.lua('_G.asked = {}')
  child.api.nvim_win_set_cursor(0, { 1, 0 })
  editor.answer({ { 'Key of the feature to launch', 'gift-cards' } })
  child.cmd('Flagline launch')
  editor.told("'gift-cards' is not launched: it has no brief")
  expect.equality(prompts(), { 'Key of the feature to launch:' })
end

T["Neovim's own questions do"] = function()
  editor.start({ writes = true })
  editor.open('server/gifts.py')
  editor.warning('unknown-flag', 'gift-wrapping')
  editor.cursor_on('gift-wrapping')
  child.lua('vim.ui.select, vim.ui.input = _G.ui.select, _G.ui.input')
  local function type_when_asked(...)
    local function is_asked()
      return child.api.nvim_get_mode().mode:find('^[cr]') ~= nil
    end
    assert(vim.wait(5000, is_asked, 10), 'no question')
    child.api.nvim_input(table.concat({ ... }))
    vim.uv.sleep(100)
  end
  child.api_notify.nvim_command('Flagline create')
  type_when_asked('<C-u>Wrapping', '<CR>')
  type_when_asked('<CR>')
  type_when_asked('Gifts', '<CR>')
  type_when_asked('1<CR>')
  type_when_asked('2<CR>')
  type_when_asked('5<CR>') -- another, with completion
  type_when_asked('$pagev<Tab>', '<CR>')
  in_brief('gift-wrapping')
  expect_lines('gift-wrapping', {
    'name = "Wrapping"',
    'hypothesis = "Gifts"',
    'kind = "trend"',
    'events = ["$pageview"]',
  })
  child.api_notify.nvim_command('Flagline launch')
  type_when_asked('1<CR>')
  editor.told("'gift-wrapping' is launched, in its first stage")
end

T['follow and unfollow let choose who is told'] = function()
  editor.start({ writes = true })
  editor.open_checkout()
  editor.cursor_on('project-videos')
  editor.answer({ { 'has no brief', '#releases' } })
  child.cmd('Flagline follow')
  editor.told("#releases follows: Offset tells it every change of 'project-videos'")
  expect.equality(editor.asked()[1][2], { '#alerts', '#releases' })
  editor.answer({})
  child.cmd('Flagline follow')
  editor.wait('the question', [[return #_G.asked > 0]])
  expect.equality(editor.asked()[1][2], { '#alerts', '#releases (follows already)' })
  editor.answer({ { 'told no more', '#releases' } })
  child.cmd('Flagline unfollow project-videos')
  editor.told("#releases does not follow 'project-videos' any more")
end

return T
