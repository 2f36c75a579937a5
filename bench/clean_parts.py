"""Where the flow of clean_telemetry is cut to see what each part costs: a query for each."""

PARTS = {
    # What a Kafka-to-Kafka job costs that looks at nothing.
    "copy": "SELECT device, CAST(payload AS STRING) FROM telemetry_raw",
    "texts": "SELECT device, body FROM texts WHERE is_plain",
    "fields": "SELECT device, COALESCE(text_reason, metric || value_text || ts_text) FROM fields",
    "judged": "SELECT device, COALESCE(reason, metric) FROM judged",
    "numbered": "SELECT device, metric || CAST(occurrence AS STRING) FROM numbered",
}
