-- A new feature: what it is, asked one thing after the other. Nothing is created before the last answer.
local flagline = require('flagline')
local talk = require('flagline.talk')

local M = {}

-- Thrown where a person goes away.
local CANCELLED = {}

--- Goes on until the next question, or the end.
local function continue(thread)
  local good, why = coroutine.resume(thread)
  if not good and why ~= CANCELLED then
    error(why, 0)
  end
end

--- Waits, in a coroutine, for what `ask` hands to its callback. Neovim's own questions answer before they return, those
--- of plugins later.
---@param ask fun(done: fun(answer: any))
local function await(ask)
  local here = coroutine.running()
  local answer, is_answered, is_waiting
  ask(function(it)
    if is_answered then
      return
    end
    answer, is_answered = it, true
    if is_waiting then
      continue(here)
    end
  end)
  if not is_answered then
    is_waiting = true
    coroutine.yield()
  end
  return answer
end

--- A line that was typed; empty is an answer too.
---@param options { default?: string, completion?: string }
---@return string
local function input(prompt, options)
  options = vim.tbl_extend('error', { prompt = prompt .. ': ' }, options or {})
  local answer = await(function(done)
    vim.ui.input(options, done)
  end)
  return vim.trim(answer or error(CANCELLED))
end

--- Lets choose one of `{ value, words }`, and gives its value.
---@param choices [any, string][]
local function select(prompt, choices)
  local answer = await(function(done)
    local function format(it)
      return it[2]
    end
    vim.ui.select(choices, { prompt = prompt, format_item = format }, done)
  end)
  return (answer or error(CANCELLED))[1]
end

--- A key for a feature of this name that no flag and no brief has, as the server makes it.
---@param place flagline.Place
---@param name string
local function key_for(client, place, name)
  return await(function(done)
    local named = { textDocument = { uri = place.uri }, name = name }
    talk.request(client, 'flagline/newFeature', named, function(suggested)
      done(suggested and flagline.value(suggested.key) or '')
    end)
  end)
end

--- A name made of a key: `new-checkout` is `New checkout`.
---@param key string
local function name_for(key)
  local words = vim.trim((key:gsub('[-_]+', ' ')))
  return (words:gsub('^%l', string.upper))
end

--- The key, as code asks for it; one that PostHog does not take is asked for again.
---@param suggested string
local function ask_key(suggested)
  local prompt, key = "Key of the feature's flag", suggested
  repeat
    key = input(prompt, { default = key })
    if key == '' then
      error(CANCELLED)
    end
    prompt = 'Letters, digits, - and _, 400 at most'
  until #key <= 400 and key:find('^[%w_-]+$')
  return key
end

local events_known = {}

--- Completion of an event: what |input()| calls.
function M.complete_event(lead)
  return vim.tbl_filter(function(it)
    return it:lower():find(lead:lower(), 1, true) ~= nil
  end, events_known)
end

-- As many as can be looked over.
local MOST_SHOWN = 12

--- An event: chosen where few are known, typed where many are.
---@param events string[] the known
---@param end_words? string what choosing none means; without it there must be one
---@return string?
local function ask_event(prompt, events, end_words)
  if #events > 0 and #events <= MOST_SHOWN then
    local choices = vim.tbl_map(function(it)
      return { it, it }
    end, events)
    table.insert(choices, { false, 'Another…' })
    if end_words then
      table.insert(choices, 1, { '', end_words })
    end
    local event = select(prompt, choices)
    if event then
      return event ~= '' and event or nil
    end
  end
  events_known = events
  local completion = #events > 0 and "customlist,v:lua.require'flagline.feature'.complete_event" or nil
  local full_prompt = end_words and ('%s, or nothing: %s'):format(prompt, end_words) or prompt
  local event = input(full_prompt, { completion = completion })
  if event == '' and not end_words then
    error(CANCELLED)
  end
  return event ~= '' and event or nil
end

--- How the feature is measured; nil when that comes later.
---@param events string[]
local function ask_metric(events)
  local kind = select('Key metric', {
    { false, 'None yet: the brief can name one later' },
    { 'trend', 'Trend: how often an event happens' },
    { 'funnel', 'Funnel: how many take the steps after meeting the feature' },
    { 'retention', 'Retention: how many come back' },
  })
  if kind == 'trend' then
    return { kind = kind, events = { ask_event('Event that is counted', events) } }
  elseif kind == 'retention' then
    return { kind = kind, events = { ask_event('Event that is coming back', events) } }
  elseif kind == 'funnel' then
    local steps = { ask_event('First step after meeting the feature', events) }
    repeat
      local left = vim.tbl_filter(function(it)
        return not vim.tbl_contains(steps, it)
      end, events)
      local step = ask_event(table.concat(steps, ' → ') .. ' → next step', left, 'that is all')
      table.insert(steps, step)
    until not step
    return { kind = kind, events = steps }
  end
end

---@class flagline.Place
---@field uri string the document
---@field at? lsp.Range the cursor, or what is selected
---@field range? lsp.Range what is selected
---@field version? integer of the document in which it is selected
---@field key? string of the code there
---@field name? string that goes with the key

--- All questions, and what the answers come to.
---@param place flagline.Place
---@param suggested table what the server answers to `flagline/newFeature`
---@param key_in_code? string stays, whatever the feature is called
local function ask(client, place, suggested, key_in_code)
  local suggested_key = key_in_code or place.key or flagline.value(suggested.key)
  local suggested_name = place.name or flagline.value(suggested.name) or name_for(suggested_key or '')
  local name = input("The feature's name", { default = suggested_name })
  local follows = key_in_code or (name == suggested_name or name == '') and suggested_key or key_for(client, place, name)
  local wanted = {
    key = ask_key(follows),
    name = name ~= '' and name or nil,
    owner = flagline.value(suggested.owner),
    uri = place.uri,
  }
  local hypothesis = input('What will come of it? Enter leaves it out')
  wanted.hypothesis = hypothesis ~= '' and hypothesis or nil
  wanted.release = select('Release', {
    { 'auto-rollout', 'In stages: first the team, then more and more people' },
    { 'ab-test', 'A/B test: some get it, others do not, and the metric tells' },
  })
  wanted.metric = ask_metric(suggested.events or {})
  local wraps, refused = flagline.value(suggested.wraps), flagline.value(suggested.refused)
  if place.range and wraps then
    local yes = select(('Wrap the selection (with %s)?'):format(wraps), { { true, 'Yes' }, { false, 'No' } })
    wanted.range = yes and place.range or nil
    -- The code may change while somebody answers.
    wanted.version = yes and (place.version or flagline.value(suggested.version)) or nil
  elseif place.range then
    talk.warn('the selection is not wrapped' .. (refused and ': ' .. refused or ''))
  end
  return wanted
end

--- Asks what the feature is, then has the server write its brief, and wrap what is selected in its check.
---@param place flagline.Place
function M.new(client, place)
  local here = { textDocument = { uri = place.uri }, range = place.range or place.at }
  local function questions(suggested, key_in_code)
    continue(coroutine.create(function()
      talk.execute(client, 'flagline.createFeature', ask(client, place, suggested, key_in_code))
    end))
  end
  talk.request(client, 'flagline/newFeature', here, function(suggested)
    suggested = suggested or {}
    -- The server names what it makes up; a key of the code comes alone.
    if place.key then
      return questions(suggested, not place.name and place.key or nil)
    end
    talk.request(client, 'flagline/flagAt', {
      textDocument = here.textDocument,
      position = here.range.start,
    }, function(flag)
      questions(suggested, flag and flag.key)
    end)
  end)
end

--- What a code action runs.
---@param command lsp.Command its argument is `{ key?, name?, uri, range? }`
---@param context { client_id: integer }
function M.run(command, context)
  local client = vim.lsp.get_client_by_id(context.client_id)
  local place = command.arguments and command.arguments[1]
  if not client or not place then
    return
  end
  M.new(client, {
    uri = place.uri,
    key = flagline.value(place.key),
    name = flagline.value(place.name),
    range = flagline.value(place.range),
    version = flagline.value(place.version),
    at = M.at_cursor(client),
  })
end

--- The cursor as a range.
---@return lsp.Range
function M.at_cursor(client)
  local position = talk.position(client).position
  return { start = position, ['end'] = position }
end

--- A byte of a line as the server counts.
local function character(client, line, byte)
  if vim.fn.has('nvim-0.11') == 1 then
    return vim.str_utfindex(line, client.offset_encoding, byte, false)
  end
  return vim.lsp.util._str_utfindex_enc(line, byte, client.offset_encoding)
end

--- What `:'<,'>` means: the selection where it is a part of lines, else the lines without what is blank around.
---@param first integer 1-based
---@param last integer
---@return lsp.Range?
function M.selected(client, first, last)
  local from, to = vim.fn.getpos("'<"), vim.fn.getpos("'>")
  local first_line, last_line = vim.fn.getline(first), vim.fn.getline(last)
  local start, stop = #first_line:match('^%s*'), #last_line:gsub('%s*$', '')
  if vim.fn.visualmode() == 'v' and from[2] == first and to[2] == last then
    start = math.min(from[3] - 1, #first_line)
    stop = math.min(to[3] - 1, #last_line)
    if vim.o.selection ~= 'exclusive' and stop < #last_line then
      stop = stop + 1 + vim.str_utf_end(last_line, stop + 1)
    end
  end
  if first == last and start >= stop then
    return
  end
  return {
    start = { line = first - 1, character = character(client, first_line, start) },
    ['end'] = { line = last - 1, character = character(client, last_line, stop) },
  }
end

return M
