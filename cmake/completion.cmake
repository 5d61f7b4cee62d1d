# Completion for bash, zsh and fish, printed by the ocx that was just built. Not where that can't be run.
add_custom_target(completion ALL)
if(CMAKE_CROSSCOMPILING)
  return()
endif()

# Debian's zsh looks into share/zsh/vendor-completions below /usr, and into this below /usr/local.
set(OCX_ZSH_COMPLETIONS share/zsh/site-functions CACHE STRING "where zsh's completion is installed, below the prefix")

set(completion_bash share/bash-completion/completions/ocx)
set(completion_zsh ${OCX_ZSH_COMPLETIONS}/_ocx)
set(completion_fish share/fish/vendor_completions.d/ocx.fish)
foreach(shell bash zsh fish)
  set(script ${PROJECT_BINARY_DIR}/completion/${completion_${shell}})
  get_filename_component(directory ${script} DIRECTORY)
  add_custom_command(OUTPUT ${script}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${directory}
    COMMAND sh -c "\"$1\" completion ${shell} >\"$2\"" completion $<TARGET_FILE:ocx> ${script}
    DEPENDS ocx VERBATIM)
  list(APPEND completion_scripts ${script})
  get_filename_component(destination ${completion_${shell}} DIRECTORY)
  install(FILES ${script} DESTINATION ${destination})
endforeach()
add_custom_target(completion_scripts DEPENDS ${completion_scripts})
add_dependencies(completion completion_scripts)
