"""The page: pictures, probabilities and events of the cameras in a browser, and teaching."""
