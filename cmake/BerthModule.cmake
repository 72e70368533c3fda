# berth_module(name PUBLIC modules... PRIVATE modules... LIBS external...)
#
# One static library per folder of src/. PUBLIC: modules whose headers appear in ours; PRIVATE: used only inside; LIBS: what
# is not ours. A module links only what is listed here, and `./dev lint` holds each #include against this list.
function(berth_module name)
  cmake_parse_arguments(ARG "" "" "PUBLIC;PRIVATE;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_library(berth_${name} STATIC ${sources})
  target_link_libraries(berth_${name} PUBLIC berth_options)
  foreach(module IN LISTS ARG_PUBLIC)
    target_link_libraries(berth_${name} PUBLIC berth_${module})
  endforeach()
  foreach(module IN LISTS ARG_PRIVATE)
    target_link_libraries(berth_${name} PRIVATE berth_${module})
  endforeach()
  target_link_libraries(berth_${name} PRIVATE ${ARG_LIBS})
  set_property(TARGET berth_${name} PROPERTY BERTH_USES "${ARG_PUBLIC};${ARG_PRIVATE}")
endfunction()
