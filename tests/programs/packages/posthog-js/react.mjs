import sdk from './react.cjs'

export const { usePostHog, useFeatureFlagEnabled, useFeatureFlagVariantKey, useFeatureFlagPayload } = sdk
