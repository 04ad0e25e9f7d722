"""Values that cross the borders between the stages of the pipeline. No behaviour beyond arithmetic on themselves."""
