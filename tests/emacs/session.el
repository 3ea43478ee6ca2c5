;;; In the sample app, as a person would: attach, warnings, hover, one action, quit.  -*- lexical-binding: t -*-
(require 'eglot)
(require 'flymake)

(setq eglot-sync-connect 20
      eglot-confirm-server-edits nil
      native-comp-jit-compilation nil)

(defun session-until (what condition)
  "Wait until CONDITION gives something, and return that; fail with WHAT."
  (let ((end (+ (float-time) 20)) result)
    (while (not (setq result (funcall condition)))
      (when (> (float-time) end) (error "timeout: %s" what))
      (accept-process-output nil 0.05))
    result))

(defun session-warning (words)
  "The warning of this buffer that holds WORDS, once it is there."
  (session-until
   words
   (lambda ()
     (flymake-start)
     (seq-find (lambda (it) (string-search words (flymake-diagnostic-text it))) (flymake-diagnostics)))))

(defun session-hover (words)
  "Ask for a hover just before point until it holds WORDS: what is not known yet comes a moment later."
  (backward-char 2)
  (session-until
   words
   (lambda ()
     (let (card)
       (eglot-hover-eldoc-function (lambda (text &rest _) (setq card text)))
       (session-until "a hover" (lambda () card))
       (string-search words card)))))

;; Python: warnings, hover.
(find-file "server/gifts.py")
(apply #'eglot (eglot--guess-contact))
(unless (eglot-managed-p) (error "not attached"))
(let ((warning (session-warning "Offset has no flag 'gift-wrapping'")))
  (unless (= 10 (line-number-at-pos (flymake-diagnostic-beg warning))) (error "place: %S" warning)))
(search-forward "gift-cards")
(session-hover "Nobody in the last 7 days; never seen")
(eglot-shutdown (eglot-current-server))

;; flagline.toml: hover.
(find-file "../flagline.toml")
(apply #'eglot (eglot--guess-contact))
(search-forward "stale_days")
(session-hover "After how many days with one value for everyone")
(eglot-shutdown (eglot-current-server))

;; JavaScript: a mistyped key becomes the key that was meant.
(find-file "src/pay.js")
(apply #'eglot (eglot--guess-contact))
(let* ((warning (session-warning "did you mean 'new-checkout'?"))
       (actions (eglot-code-actions (flymake-diagnostic-beg warning) (flymake-diagnostic-end warning)))
       (action (seq-find (lambda (it) (equal (plist-get it :title) "Change to 'new-checkout'")) actions)))
  (unless action (error "actions: %S" actions))
  (eglot-execute (eglot-current-server) action))
(unless (string-search "isFeatureEnabled('new-checkout')" (buffer-string)) (error "action: %s" (buffer-string)))
;; What was changed is sent when Emacs is idle, which it never is here, or with the file.
(save-buffer)
(session-warning "'new-checkout' is on for everyone since")
(eglot-shutdown (eglot-current-server))
(message "Emacs %s: warnings, hover, action: fine" emacs-version)
