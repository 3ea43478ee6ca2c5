import sdk from './index.cjs'

export const { PostHog, posthog } = sdk
export default posthog
