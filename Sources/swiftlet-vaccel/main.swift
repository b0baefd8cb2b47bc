import VAccelCommand

AgentProgram.main()
