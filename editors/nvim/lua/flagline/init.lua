-- What the plugin's other files share: options, starting the server, and what it says of itself.
local M = {}

local configured = {}

--- Optional. `vim.g.flagline` takes the same table: `lens = true` shows code lenses. On 0.10, where vim.lsp.config
--- does not exist, `lsp` goes over the configuration of the language server.
---@param options { lens?: boolean, lsp?: table }
function M.setup(options)
  configured = options or {}
end

function M.options()
  return vim.tbl_extend('keep', configured, vim.g.flagline or {})
end

--- The configuration of the language server, with what the user changed.
---@return table
function M.config()
  if vim.lsp.config then
    return vim.lsp.config.flagline
  end
  local file = vim.api.nvim_get_runtime_file('lsp/flagline.lua', false)[1]
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  return vim.tbl_deep_extend(
    'force',
    { name = 'flagline', capabilities = capabilities },
    dofile(file),
    M.options().lsp or {}
  )
end

--- `flagline.toml` and the features in `.flagline`; all other TOML is somebody else's.
---@param path string
local function is_ours(path)
  path = vim.fs.normalize(path)
  return vim.fs.basename(path) == 'flagline.toml' or path:match('/%.flagline/[^/]+%.toml$') ~= nil
end

--- Whether a buffer is a file that Flagline serves.
---@param bufnr integer
function M.serves(bufnr)
  local path = vim.api.nvim_buf_get_name(bufnr)
  -- Buffers of other plugins have names such as `fugitive://...`.
  if path == '' or path:match('^%a[%w+.-]+://') or vim.bo[bufnr].buftype ~= '' then
    return false
  end
  return vim.bo[bufnr].filetype ~= 'toml' or is_ours(path)
end

local told = false

--- Whether there is a program to start; says once when there is none.
---@return boolean
function M.has_program()
  local cmd = M.config().cmd
  if type(cmd) ~= 'table' or vim.fn.executable(cmd[1]) == 1 then
    return true
  end
  if not told then
    told = true
    vim.notify(
      ('Flagline: there is no program `%s`. Install it, or name it: :help flagline-install'):format(cmd[1]),
      vim.log.levels.WARN
    )
  end
  return false
end

--- Calls `on_dir` with the root of a buffer that Flagline serves.
---@param bufnr integer
---@param on_dir fun(root?: string)
function M.root_dir(bufnr, on_dir)
  if M.serves(bufnr) and M.has_program() then
    on_dir(vim.fs.root(bufnr, M.config().root_markers))
  end
end

--- Attaches the language server to a buffer, if it belongs to Flagline.
---@param bufnr integer
function M.start(bufnr)
  local config = vim.deepcopy(M.config())
  if not vim.tbl_contains(config.filetypes, vim.bo[bufnr].filetype) then
    return
  end
  local function start(root)
    config.root_dir = root
    vim.lsp.start(config, { bufnr = bufnr })
  end
  if type(config.root_dir) == 'function' then
    config.root_dir(bufnr, start)
  else
    start(config.root_dir or vim.fs.root(bufnr, config.root_markers))
  end
end

--- The client of a buffer.
---@param bufnr? integer
function M.client(bufnr)
  return vim.lsp.get_clients({ name = 'flagline', bufnr = bufnr or vim.api.nvim_get_current_buf() })[1]
end

-- By client: what `flagline/status` said last.
local statuses = {}

---@param client_id integer
---@param status table
function M.on_status(client_id, status)
  statuses[client_id] = status
  vim.api.nvim_exec_autocmds('User', { pattern = 'FlaglineStatus', modeline = false, data = status })
  vim.cmd.redrawstatus({ bang = true })
end

--- A server that is gone has no warnings any more, in no buffer: those that are not attached keep them otherwise, and
--- beside those of the next server they would stand twice.
---@param client_id integer
function M.on_exit(client_id)
  -- After what the server sent last.
  vim.schedule(function()
    statuses[client_id] = nil
    vim.diagnostic.reset(vim.lsp.diagnostic.get_namespace(client_id))
  end)
end

--- What a server said of itself last; nil before it said anything.
---@param client_id integer
---@return table?
function M.status_of(client_id)
  return statuses[client_id]
end

--- The environment that a file is judged by: the first whose roots hold it.
---@param status table
---@param path string
local function environment_of(status, path)
  for _, environment in ipairs(status.environments) do
    for _, root in ipairs(environment.roots or {}) do
      if vim.startswith(path, (vim.uri_to_fname(root):gsub('/*$', '/'))) then
        return environment
      end
    end
  end
  return status.environments[1]
end

M.words = {
  ['signed-out'] = 'signed out',
  loading = 'loading',
  ready = 'ready',
  trouble = 'trouble',
  settings = 'settings are wrong',
}

--- vim.NIL stands where the server said null.
function M.value(it)
  if it ~= vim.NIL then
    return it
  end
end

--- A few words for a statusline, such as `Flagline: Offset`; empty where Flagline does not serve the buffer.
---@param bufnr? integer
---@return string
function M.status(bufnr)
  bufnr = bufnr or vim.api.nvim_get_current_buf()
  local client = M.client(bufnr)
  if not client then
    return ''
  end
  local status = M.status_of(client.id)
  local environment = status and environment_of(status, vim.api.nvim_buf_get_name(bufnr))
  if not environment then
    return 'Flagline'
  end
  local project = M.value(environment.project)
  local words = environment.state == 'ready' and project and project.name
    or M.words[environment.state]
    or environment.state
  return 'Flagline: ' .. words
end

return M
