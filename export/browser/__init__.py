"""Browser: LiteRT.js, a web server, and a headless browser."""
