// Hooks are functions like others where nothing is rendered.
const { posthog } = require('./index.cjs')

const note = (method, answer) => (key) => {
  globalThis.asked.push([method, key])
  return answer
}

exports.usePostHog = () => posthog
exports.useFeatureFlagEnabled = note('useFeatureFlagEnabled', true)
exports.useFeatureFlagVariantKey = note('useFeatureFlagVariantKey', 'test')
exports.useFeatureFlagPayload = note('useFeatureFlagPayload', {})
