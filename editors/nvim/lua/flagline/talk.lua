-- Talking with the server, and with the person.
local flagline = require('flagline')

local M = {}

function M.tell(message, level)
  vim.notify('Flagline: ' .. message, level or vim.log.levels.INFO)
end

function M.warn(message)
  M.tell(message, vim.log.levels.WARN)
end

--- Sends a request; 0.10 has functions where later versions have methods.
---@param done fun(result: any)
function M.request(client, method, params, done)
  local function answered(err, result)
    if err then
      M.warn(err.message)
    else
      done(flagline.value(result))
    end
  end
  local bufnr = vim.api.nvim_get_current_buf()
  if vim.fn.has('nvim-0.11') == 1 then
    client:request(method, params, answered, bufnr)
  else
    client.request(method, params, answered, bufnr)
  end
end

function M.execute(client, command, argument)
  local params = { command = command, arguments = argument and { argument } or nil }
  M.request(client, 'workspace/executeCommand', params, function() end)
end

--- Lets a person choose one of the items; answers its place, from 0. Neovim runs handlers of requests in a coroutine,
--- so that a list that floats above the windows can be waited for.
---@param choices { title: string, items: { label: string, description: string }[] }
function M.pick(choices)
  local co, is_main = coroutine.running()
  if not co or is_main then
    return vim.NIL
  end
  local options = {
    prompt = choices.title,
    format_item = function(it)
      return it.description == '' and it.label or ('%s (%s)'):format(it.label, it.description)
    end,
  }
  vim.ui.select(choices.items, options, function(_, at)
    -- Not before the yield: the built-in list answers at once.
    vim.schedule(function()
      coroutine.resume(co, at and at - 1 or vim.NIL)
    end)
  end)
  return coroutine.yield()
end

function M.position(client)
  return vim.lsp.util.make_position_params(0, client.offset_encoding)
end

--- The key at the cursor, waited for as long as somebody who completes a command line would.
---@return string?
function M.key_now(client)
  local params, bufnr = M.position(client), vim.api.nvim_get_current_buf()
  local answer
  if vim.fn.has('nvim-0.11') == 1 then
    answer = client:request_sync('flagline/flagAt', params, 1000, bufnr)
  else
    answer = client.request_sync('flagline/flagAt', params, 1000, bufnr)
  end
  local flag = answer and flagline.value(answer.result)
  return flag and flag.key
end

return M
