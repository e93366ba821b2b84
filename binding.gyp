{
  "targets": [
    {
      "target_name": "twill",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake",
          "inputs": ["CMakeLists.txt"],
          "outputs": ["build/Release/twill.node"],
          "action": ["npm", "run", "build:native"]
        }
      ]
    }
  ]
}
