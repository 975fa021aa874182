"""The first suite: two lanes, four assets, parallel sessions, through the plugin as users have it."""
