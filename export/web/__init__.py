"""Web: a page that classifies images in a browser and draws their routes."""
