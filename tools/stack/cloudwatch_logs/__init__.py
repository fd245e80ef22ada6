"""CloudWatch Logs as it reads log events: filter patterns, metric filters, Logs Insights; it runs in the emulator."""
