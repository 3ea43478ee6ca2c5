(with-eval-after-load 'eglot
  (dolist (mode '(tsx-ts-mode typescript-ts-mode js-mode js-ts-mode python-mode python-ts-mode))
    (add-to-list 'eglot-server-programs (cons mode '("flagline" "lsp")))))
