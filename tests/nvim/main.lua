-- Runs all cases in this Neovim: nvim --clean --headless -u main.lua
-- FLAGLINE_ROOT is the repository, FLAGLINE_WORK a folder that may be filled, MINI_TEST where mini.test lies.
local root = assert(vim.env.FLAGLINE_ROOT)
vim.opt.runtimepath:append(assert(vim.env.MINI_TEST))
package.path = root .. '/tests/nvim/?.lua;' .. package.path
vim.o.swapfile = false

local test = require('mini.test')
test.setup({
  collect = {
    emulate_busted = false,
    find_files = function()
      return vim.fn.glob(root .. '/tests/nvim/test_*.lua', true, true)
    end,
    filter_cases = function(case)
      return not vim.env.ONLY or table.concat(case.desc, ' '):find(vim.env.ONLY, 1, true) ~= nil
    end,
  },
})
vim.schedule(function()
  test.run()
end)
