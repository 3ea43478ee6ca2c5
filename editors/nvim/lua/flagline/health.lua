-- :checkhealth flagline
local flagline = require('flagline')

local M = {}
local health = vim.health

--- The program, and its version.
local function check_program(config)
  health.start('Program')
  if vim.fn.has('nvim-0.10') == 0 then
    health.error('Neovim 0.10 or later is needed')
  else
    health.ok('Neovim ' .. tostring(vim.version()))
  end
  if type(config.cmd) ~= 'table' then
    return health.info('`cmd` is a function: what it starts is not looked at')
  end
  local program = config.cmd[1]
  local path = vim.fn.exepath(program)
  if path == '' then
    return health.error(('there is no program `%s`'):format(program), {
      'Install it: `cargo install --path .` in a checkout of Flagline',
      "Or name it: `vim.lsp.config('flagline', { cmd = { '/path/to/flagline', 'lsp' } })`",
    })
  end
  local answer = vim.system({ path, '--version' }, { text = true }):wait(5000)
  if answer.code == 0 then
    health.ok(('%s (%s)'):format(vim.trim(answer.stdout), path))
  else
    health.error(('`%s --version` failed: %s'):format(path, vim.trim(answer.stderr or '')))
  end
end

--- Which buffers are served; the one below the report counts, if it is one.
local function check_attached(config)
  health.start('Language server')
  if vim.lsp.is_enabled and not vim.lsp.is_enabled('flagline') then
    health.warn('not enabled', { "Add `vim.lsp.enable('flagline')` to your init.lua" })
  end
  local clients = vim.lsp.get_clients({ name = 'flagline' })
  if #clients == 0 then
    return health.warn('not running', {
      'Open a file of one of these types: ' .. table.concat(config.filetypes, ', '),
      'Of TOML files it serves flagline.toml and those in .flagline',
    })
  end
  for _, client in ipairs(clients) do
    local buffers = vim.tbl_count(client.attached_buffers)
    health.ok(('running for %d %s'):format(buffers, buffers == 1 and 'buffer' or 'buffers'))
    local root = client.config.root_dir
    if root then
      health.ok('root: ' .. root)
    else
      health.warn('no root: only open files are known', {
        'A root is a folder with one of ' .. table.concat(config.root_markers, ', '),
      })
    end
    M.check_status(flagline.status_of(client.id))
  end
end

--- What the server said of PostHog.
---@param status? table
function M.check_status(status)
  if not status then
    return health.warn('it said nothing of PostHog yet')
  end
  local words = require('flagline.commands').describe
  for _, environment in ipairs(status.environments) do
    if environment.state == 'ready' or environment.state == 'loading' then
      health.ok(words(environment))
    elseif environment.state == 'signed-out' then
      health.warn(words(environment), { 'Set FLAGLINE_API_KEY before Neovim starts' })
    else
      health.error(words(environment))
    end
  end
  if status.readOnly then
    health.info('read only: nothing is written to PostHog')
  end
end

--- The variables that the server reads; a key is never shown.
local function check_variables()
  health.start('Environment variables')
  health.info('FLAGLINE_API_KEY: ' .. (vim.env.FLAGLINE_API_KEY and 'set' or 'not set'))
  health.info('FLAGLINE_HOST: ' .. (vim.env.FLAGLINE_HOST or 'not set, so https://us.posthog.com'))
  health.info('FLAGLINE_PROJECT: ' .. (vim.env.FLAGLINE_PROJECT or 'not set'))
end

function M.check()
  local config = flagline.config()
  check_program(config)
  check_attached(config)
  check_variables()
  health.start('Log')
  health.info(vim.lsp.log.get_filename())
end

return M
