import sdk from './index.cjs'

export const { PostHog } = sdk
