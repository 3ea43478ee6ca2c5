-- `:Flagline`, one function a subcommand, and the lists that code lenses open.
local flagline = require('flagline')
local talk = require('flagline.talk')

local M = {}

local tell, warn, request, execute, position = talk.tell, talk.warn, talk.request, talk.execute, talk.position

--- The client of this buffer; says what to do when there is none.
local function attached()
  local client = flagline.client()
  if not client then
    warn('not running for this buffer. :checkhealth flagline tells why')
  end
  return client
end

--- The document that says which folder, and so which project, is meant.
local function uri_here()
  return vim.uri_from_bufnr(0)
end

--- Finds the flag at the cursor, and calls `done` with its key or nil.
---@param done fun(key?: string)
local function key_at_cursor(client, done)
  request(client, 'flagline/flagAt', position(client), function(flag)
    done(flag and flag.key)
  end)
end

--- Locations as a quickfix list in a window.
local function list(client, title, locations)
  local items = vim.lsp.util.locations_to_items(locations, client.offset_encoding)
  vim.fn.setqflist({}, ' ', { title = title, items = items })
  vim.cmd('botright copen')
end

--- What a code lens runs: its arguments are a document, a position and locations.
---@param command lsp.Command
---@param context { client_id: integer }
function M.show_references(command, context)
  local client = vim.lsp.get_client_by_id(context.client_id)
  local locations = command.arguments and flagline.value(command.arguments[3])
  if not client or not locations or #locations == 0 then
    return tell('no reads')
  end
  list(client, command.title, locations)
end

--- Asks for a key, with the one at the cursor written already; nothing typed means nothing is done.
---@param done fun(key: string)
local function ask_key(client, prompt, done)
  key_at_cursor(client, function(found)
    vim.ui.input({ prompt = prompt, default = found or '' }, function(it)
      it = it and vim.trim(it)
      if it and it ~= '' then
        done(it)
      end
    end)
  end)
end

local subcommands = {}

--- create [key]: writes the brief of a feature, and wraps the lines of the range; asks what it is when no key is given.
---@param lines? { [1]: integer, [2]: integer }
function subcommands.create(key, _, lines)
  local client = attached()
  if not client then
    return
  end
  local feature = require('flagline.feature')
  local range = lines and feature.selected(client, lines[1], lines[2])
  if key then
    return execute(client, 'flagline.createFeature', { key = key, uri = uri_here(), range = range })
  end
  feature.new(client, { uri = uri_here(), range = range, at = feature.at_cursor(client) })
end

--- Calls `done` with a key and the document that says whose it is: the key that is given, else what the
--- server finds at the cursor (in a brief its own, wherever that is), else the answer.
---@param key? string
---@param done fun(client: vim.lsp.Client, feature: { key: string, uri: string })
local function with_key(prompt, key, done)
  local client = attached()
  if not client then
    return
  end
  local uri = uri_here()
  local function run(it)
    done(client, { key = it, uri = uri })
  end
  if key then
    return run(key)
  end
  key_at_cursor(client, function(found)
    if found then
      return run(found)
    end
    ask_key(client, prompt, run)
  end)
end

-- Subcommands that only name a key: what they run, and what they ask for where no key is at hand.
local about_a_key = {
  launch = { 'flagline.launch', 'Key of the feature to launch: ' },
  promote = { 'flagline.promote', 'Key of the feature to promote: ' },
  resume = { 'flagline.resume', 'Key of the feature to resume: ' },
  rollback = { 'flagline.rollBack', 'Key of the feature to roll back: ' },
  finish = { 'flagline.finish', 'Key of the feature to finish: ' },
  review = { 'flagline.review', 'Key of the feature to review: ' },
  follow = { 'flagline.follow', 'Key of the flag to follow: ' },
  unfollow = { 'flagline.unfollow', 'Key of the flag to follow no more: ' },
}
for name, it in pairs(about_a_key) do
  subcommands[name] = function(key)
    with_key(it[2], key, function(client, feature)
      execute(client, it[1], feature)
    end)
  end
end

--- Asks why a rollout is stopped, then has the server stop it. Going away stops nothing.
---@param feature { key: string, uri?: string }
local function stop(client, feature)
  local prompt = ("Why is '%s' stopped? Enter: by hand: "):format(feature.key)
  vim.ui.input({ prompt = prompt }, function(reason)
    if reason then
      reason = vim.trim(reason)
      local why = reason ~= '' and reason or nil
      execute(client, 'flagline.stop', { key = feature.key, uri = feature.uri, reason = why })
    end
  end)
end

--- stop [key]: closes the stage, and asks why.
function subcommands.stop(key)
  with_key('Key of the feature to stop: ', key, stop)
end

--- What a code lens or a code action runs: its argument is `{ key, uri }`.
---@param command lsp.Command
---@param context { client_id: integer }
function M.stop_feature(command, context)
  local client = vim.lsp.get_client_by_id(context.client_id)
  local feature = command.arguments and command.arguments[1]
  if client and feature then
    stop(client, feature)
  end
end

--- clean [key] [value]: removes the flag from all files; keeps what everyone gets when no value is given.
function subcommands.clean(key, value)
  local client = attached()
  if not client then
    return
  end
  local uri = uri_here()
  local function clean(it)
    execute(client, 'flagline.clean', { key = it, keep = value, uri = uri })
  end
  if key then
    return clean(key)
  end
  ask_key(client, 'Key of the flag to remove: ', clean)
end

--- open [key]: the flag's page in the browser; the list of flags where no flag is meant.
function subcommands.open(key)
  local client = attached()
  if not client then
    return
  end
  local uri = uri_here()
  if key then
    return execute(client, 'flagline.open', { key = key, uri = uri })
  end
  key_at_cursor(client, function(found)
    execute(client, 'flagline.open', { key = found, uri = uri })
  end)
end

--- show [key]: the card that hover shows.
function subcommands.show(key)
  local client = attached()
  if not client then
    return
  end
  if not key then
    return vim.lsp.buf.hover()
  end
  local cmd = client.config.cmd
  local program = type(cmd) == 'table' and cmd[1] or 'flagline'
  vim.system(
    { program, 'show', key },
    { text = true, cwd = client.config.root_dir, env = client.config.cmd_env },
    vim.schedule_wrap(function(answer)
      -- A flag that the project does not have is an answer too, with exit code 1.
      local words = vim.trim(answer.stdout)
      if words == '' then
        return warn((vim.trim(answer.stderr):gsub('^flagline: ', '')))
      end
      vim.lsp.util.open_floating_preview(vim.split(words, '\n'), '', { focus_id = 'flagline.show.' .. key })
    end)
  )
end

--- features: a page in the browser with where every feature stands.
function subcommands.features()
  local client = attached()
  if client then
    execute(client, 'flagline.status', { uri = uri_here() })
  end
end

--- references: every read of the flag at the cursor, in the quickfix list.
function subcommands.references()
  local client = attached()
  if not client then
    return
  end
  key_at_cursor(client, function(key)
    if not key then
      return tell('no flag here')
    end
    local params = vim.tbl_extend('force', position(client), { context = { includeDeclaration = true } })
    request(client, 'textDocument/references', params, function(locations)
      if not locations or #locations == 0 then
        return tell(("no reads of '%s'"):format(key))
      end
      list(client, ("Reads of '%s'"):format(key), locations)
    end)
  end)
end

--- refresh: fetches everything anew, and reads all files again.
function subcommands.refresh()
  local client = attached()
  if client then
    execute(client, 'flagline.refresh')
  end
end

--- What the server knows of an environment, in a line.
---@return string
function M.describe(environment)
  local project = flagline.value(environment.project)
  local words = { ('%s: %s'):format(environment.name, flagline.words[environment.state] or environment.state) }
  if project then
    table.insert(words, ('%s (project %d)'):format(project.name, project.id))
  end
  table.insert(words, environment.host)
  if flagline.value(environment.flags) then
    table.insert(words, ('%d flags'):format(environment.flags))
  end
  if flagline.value(environment.fetchedAt) then
    table.insert(words, 'fetched ' .. environment.fetchedAt:gsub('%.%d+', ''))
  end
  local message = flagline.value(environment.message)
  return table.concat(words, ' · ') .. (message and '\n  ' .. message or '')
end

--- status: what the server knows of each environment.
function subcommands.status()
  local client = attached()
  if not client then
    return
  end
  local status = flagline.status_of(client.id)
  if not status then
    return tell('running; it said nothing of PostHog yet')
  end
  tell(table.concat(vim.tbl_map(M.describe, status.environments), '\n'))
end

--- log: what the server wrote, among what other servers wrote.
function subcommands.log()
  vim.cmd('botright split ' .. vim.fn.fnameescape(vim.lsp.log.get_filename()))
  vim.cmd('setlocal readonly nomodifiable nowrap | normal! G')
end

--- restart: ends the server, if it still runs, and starts it for all buffers that belong to it.
function subcommands.restart()
  local clients = vim.lsp.get_clients({ name = 'flagline' })
  for _, client in ipairs(clients) do
    if vim.fn.has('nvim-0.11') == 1 then
      client:stop()
    else
      client.stop()
    end
  end
  local tries = 0
  local function start()
    local alive = #vim.lsp.get_clients({ name = 'flagline' }) > 0
    tries = tries + 1
    if alive and tries < 60 then
      return vim.defer_fn(start, 50)
    end
    if alive then -- It does not answer.
      for _, client in ipairs(clients) do
        vim.lsp.stop_client(client.id, true)
      end
    end
    for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
      if vim.api.nvim_buf_is_loaded(bufnr) then
        flagline.start(bufnr)
      end
    end
  end
  start()
end

local takes_key = vim.tbl_extend('error', about_a_key, { clean = true, create = true, open = true, show = true, stop = true })

--- Keys that this file reads, as it stands on disk; or the key of the brief that it is.
local function keys()
  local file = vim.api.nvim_buf_get_name(0)
  local client = flagline.client()
  if client and vim.fs.normalize(file):match('/%.flagline/[^/]+%.toml$') then
    return { talk.key_now(client) }
  end
  local cmd = client and client.config.cmd
  if type(cmd) ~= 'table' or not vim.uv.fs_stat(file) then
    return {}
  end
  local answer = vim.system({ cmd[1], 'reads', '--format', 'json', file }, { text = true }):wait(1000)
  local parsed, reads = pcall(vim.json.decode, answer.stdout or '')
  local found = {}
  for _, read in ipairs(parsed and reads.reads or {}) do
    if flagline.value(read.key) then
      found[read.key] = true
    end
  end
  return vim.tbl_keys(found)
end

--- Completion of a command line.
---@param line string up to the cursor
---@return string[]
function M.complete(line)
  local words = vim.split(line, '%s+')
  local lead = words[#words]
  local candidates = {}
  if #words == 2 then
    candidates = vim.tbl_keys(subcommands)
  elseif #words == 3 and takes_key[words[2]] then
    candidates = keys()
  elseif #words == 4 and words[2] == 'clean' then
    candidates = { 'off', 'on' }
  end
  candidates = vim.tbl_filter(function(it)
    return vim.startswith(it, lead)
  end, candidates)
  table.sort(candidates)
  return candidates
end

--- Runs a subcommand; without one, lets choose.
---@param arguments string[]
---@param lines? { [1]: integer, [2]: integer } the first and the last of the range, if one was given
function M.run(arguments, lines)
  local name, key, value = arguments[1], arguments[2], arguments[3]
  if not name then
    local names = vim.tbl_keys(subcommands)
    table.sort(names)
    return vim.ui.select(names, { prompt = 'Flagline' }, function(it)
      if it then
        subcommands[it](nil, nil, lines)
      end
    end)
  end
  local subcommand = subcommands[name]
  if not subcommand then
    return warn(("no subcommand '%s'; :Flagline <Tab> lists them"):format(name))
  end
  local most = name == 'clean' and 3 or 2
  if #arguments > most or (key and not takes_key[name]) then
    return warn((":Flagline %s does not take '%s'"):format(name, arguments[#arguments]))
  end
  subcommand(key, value, lines)
end

return M
